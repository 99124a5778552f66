"""From the publisher's OpenAPI document to the generated client and a report of changes. Not distributed."""


class SpecError(Exception):
    """The document, or a file made from it, cannot be used. The text has one finding per line."""
