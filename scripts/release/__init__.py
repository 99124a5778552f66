"""Checks and files of a release. Not part of the distribution."""
