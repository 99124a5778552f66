"""Normalization of phone numbers to E.164, by phonenumbers (libphonenumber)."""

import re
from collections.abc import Callable

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
    try:
        import phonenumbers as library  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        message = "normalizing needs the extra `normalize`: pip install 'sinch-reporting[normalize]'"
        raise ModuleNotFoundError(message, name=error.name) from error
    if region is not None:
        region = region.upper()
        if region not in library.SUPPORTED_REGIONS:
            raise InvalidRequestError(f"the region {region!r} is not a country code such as SE or US")

    def parse(text: str, country: str | None, is_acceptable: Callable[[object], bool]) -> str | None:
        try:
            number = library.parse(text, country)
        except library.NumberParseException:
            return None
        if number.extension or not is_acceptable(number):
            return None
        return str(library.format_number(number, library.PhoneNumberFormat.E164))

    def normalize(text: str) -> str | None:
        if match := _SPREADSHEET.fullmatch(text):
            text = (match[1] or match[2] or "").strip()
        if re.search(r"[^\W\d_]", text):  # letters: 4.67E+10, and vanity numbers
            return None
        text = re.sub(r"\.0$", "", text)
        if text.startswith("00"):
            text = f"+{text[2:]}"
        if text.startswith("+"):
            return parse(text, None, library.is_possible_number)
        local = parse(text, region, library.is_valid_number) if region else None
        return local or (None if text.startswith("0") else parse(f"+{text}", None, library.is_valid_number))

    return normalize
