"""Normalization of phone numbers to E.164, by phonenumbers (libphonenumber)."""

import re
from collections.abc import Callable
from typing import Any

from sinch_reporting.errors import InvalidRequestError

# What spreadsheets put around a number to keep its digits.
_SPREADSHEET = re.compile(r"""='?"?(.*?)"?|'(.*)""", re.DOTALL)


def normalizer(region: str | None) -> Callable[[str], str | None]:
    """Return a function that returns a number in E.164, or None if it is not one.

    A number that begins with `+` or `00` is international. Other digits are a number of the region, or else, if they
    begin with a country code and are a valid number, international.

    Args:
        region: The country of national numbers, as in ISO 3166-1, such as `SE`; None if there are none.

    Raises:
        InvalidRequestError: The region is unknown.
        ModuleNotFoundError: The extra is missing.
    """
    library = _library()
    if region is not None:
        region = region.upper()
        if region not in library.SUPPORTED_REGIONS:
            raise InvalidRequestError(f"the region {region!r} is not a country code such as SE or US")

    def parse(text: str, country: str | None, is_acceptable: Callable[[Any], bool]) -> str | None:
        try:
            number = library.parse(text, country)
        except library.NumberParseException:
            return None
        if number.extension or not is_acceptable(number):
            return None
        return str(library.format_number(number, library.PhoneNumberFormat.E164))

    def normalize(text: str) -> str | None:
        plain = _plain(text)
        if plain.startswith("+"):
            return parse(plain, None, library.is_possible_number)
        local = parse(plain, region, library.is_valid_number) if region and plain else None
        return local or (None if plain[:1] in {"", "0"} else parse(f"+{plain}", None, library.is_valid_number))

    return normalize


def _library() -> Any:
    try:
        import phonenumbers  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        message = "normalizing needs the extra `normalize`: pip install 'sinch-reporting[normalize]'"
        raise ModuleNotFoundError(message, name=error.name) from error
    return phonenumbers


def _plain(text: str) -> str:
    """Return a number without the notation of spreadsheets, and with + in place of 00; empty if it contains letters."""
    if match := _SPREADSHEET.fullmatch(text):
        text = (match[1] or match[2] or "").strip()
    if re.search(r"[^\W\d_]", text):  # 4.67E+10, and vanity numbers
        return ""
    text = re.sub(r"\.0$", "", text)
    return f"+{text[2:]}" if text.startswith("00") else text
