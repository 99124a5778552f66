"""What the scripts call. Not part of the distribution."""
