"""Pages and pictures of the documentation that are made from the program. Not part of the distribution."""
