"""From the publisher's whole document to what the client is made from, and what has changed in it."""


class SpecError(Exception):
    """A document, or what was made of it, is not what it must be."""
