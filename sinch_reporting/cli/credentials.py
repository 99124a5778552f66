"""Sources of the credentials: the environment, a file or a keyring; not the command line, which `ps` shows."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from sinch_reporting.cli.exit_codes import UsageError
from sinch_reporting.cli.text import printable

KEY = "SINCH_APPLICATION_KEY"
SECRET = "SINCH_APPLICATION_SECRET"  # noqa: S105 - the variable's name
URL = "SINCH_REPORTING_URL"
SERVICE = "sinch-reporting"
"""Service name in a keyring. Each value has the name of its variable."""

MISSING = f"""\
no credentials: {KEY} and {SECRET} are not both set.
Get the Application Key and Application Secret of your app from the Sinch dashboard, then do one of:
  export {KEY}=…  and  export {SECRET}=…
  write both as NAME=VALUE lines to a file that only you can read, and add --credentials FILE
  keyring set {SERVICE} {KEY}  and  … {SECRET}, and add --keyring
To try the command without credentials, add --sandbox."""

_NAMES = f"{KEY}|{SECRET}|{URL}"
_ASSIGNMENT = re.compile(rf"\s*(?:export\s+)?({_NAMES})\s*=\s*(.*?)\s*", re.DOTALL)
_MENTION = re.compile(rf"(?<!\w)(?:{_NAMES})\s*=")
_OTHER_ASSIGNMENT = re.compile(r"""[\s;&"'][A-Za-z_]\w*=""")
_INLINE_COMMENT = re.compile(r"\s+#.*")


@frozen
class Credentials:
    """Key and secret, hidden in `repr`, and what came with them.

    Attributes:
        key: The application key.
        secret: The application secret.
        source: Where they come from, such as "the environment".
        url: The base URL from the same source.
    """

    key: str = field(repr=False)
    secret: str = field(repr=False)
    source: str
    url: str | None = field(default=None, repr=False)


def load(path: Path | None, *, keyring: bool) -> Credentials:
    """Return the credentials from the chosen source, by default the environment. Raises UsageError."""
    if path and keyring:
        raise UsageError("--credentials and --keyring exclude each other; choose one")
    if path:
        name = printable(str(path))
        return _complete(_from_file(path, name), f"the file {name}")
    if keyring:
        return _complete(_from_keyring(), f"the keyring, service {SERVICE}")
    if not (os.environ.get(KEY) and os.environ.get(SECRET)):
        raise UsageError(MISSING)
    return _complete(os.environ, "the environment")


def _complete(values: Mapping[str, str], source: str) -> Credentials:
    missing = [name for name in (KEY, SECRET) if not values.get(name)]
    if missing:
        raise UsageError(
            f"{source} does not contain {' and '.join(missing)}; add {'it' if len(missing) == 1 else 'them'}"
        )
    return Credentials(values[KEY], values[SECRET], source, values.get(URL) or None)


def _from_file(path: Path, name: str) -> dict[str, str]:
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"the credentials file {name} is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise UsageError(
            f"the credentials file {name} cannot be read: {error.strerror}; correct --credentials"
        ) from error
    return parse_file(text, name)


def parse_file(text: str, name: str) -> dict[str, str]:
    """Return the values of a file as shells, systemd and `docker run --env-file` read it. Raises UsageError.

    Lines with other names, or without an assignment, are ignored. A line with several assignments is refused, because
    these programs read it differently.
    """
    values: dict[str, str] = {}
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        if line.lstrip().startswith(("#", ";")) or not _MENTION.search(line):
            continue
        match = _ASSIGNMENT.fullmatch(line)
        value = None if match is None else _unquoted(match[2])
        if match is None or value is None or _OTHER_ASSIGNMENT.search(value):
            raise UsageError(
                f"line {number} of the credentials file {name} is not one NAME=VALUE; "
                "write each assignment on its own line"
            )
        values[match[1]] = value
    return values


def _unquoted(value: str) -> str | None:
    """Return the value without its quotes and comment; None if a quote is not closed."""
    if value[:1] in {"'", '"'}:
        content, quote, rest = value[1:].partition(value[0])
        return content if quote and (not rest or _INLINE_COMMENT.fullmatch(rest)) else None
    return _INLINE_COMMENT.sub("", value)


def _from_keyring() -> dict[str, str]:
    try:
        import keyring  # noqa: PLC0415 - an optional extra
        from keyring.errors import KeyringError  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError("--keyring needs the extra `keyring`: pip install 'sinch-reporting[cli,keyring]'") from error
    try:
        found = {name: keyring.get_password(SERVICE, name) for name in (KEY, SECRET, URL)}
    except KeyringError as error:
        raise UsageError(f"the keyring cannot be read ({type(error).__name__}): {error}") from error
    return {name: value for name, value in found.items() if value}
