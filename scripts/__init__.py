"""The Python behind the commands in this folder. Not part of the distribution."""
