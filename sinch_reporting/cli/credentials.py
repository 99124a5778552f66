"""Where the credentials come from: the environment, a file or a keyring; not the command line, which `ps` shows."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from sinch_reporting.cli.exit_codes import UsageError

KEY = "SINCH_APPLICATION_KEY"
SECRET = "SINCH_APPLICATION_SECRET"  # noqa: S105 - the variable's name
URL = "SINCH_REPORTING_URL"
SERVICE = "sinch-reporting"
"""The service under which a keyring holds them, each by the name of its variable."""

MISSING = f"""\
no credentials: {KEY} and {SECRET} are not both set.
Get them from the Sinch dashboard (your app's Application Key and Application Secret), then one of:
  export {KEY}=…  and  export {SECRET}=…
  write both, as NAME=VALUE lines, to a file that only you can read, and add --credentials FILE
  keyring set {SERVICE} {KEY}  and  … {SECRET}, and add --keyring
Or try it out without any: add --sandbox."""


@frozen
class Credentials:
    """The key and the secret, and the base URL that came along with them. Hidden in `repr`."""

    key: str
    secret: str
    url: str | None = None

    def __repr__(self) -> str:
        return "Credentials(***)"


def find(path: Path | None, *, keyring: bool) -> Credentials:
    """Return the credentials from the place that was chosen, by default the environment. Raises UsageError."""
    if path and keyring:
        raise UsageError("--credentials and --keyring exclude each other; choose one")
    if path:
        return _complete(_from_file(path), f"{path} does not set")
    if keyring:
        return _complete(_from_keyring(), f"the keyring has, for the service {SERVICE}, no")
    if not (os.environ.get(KEY) and os.environ.get(SECRET)):
        raise UsageError(MISSING)
    return _complete(os.environ, "the environment lacks")


def _complete(values: Mapping[str, str], lack: str) -> Credentials:
    missing = [name for name in (KEY, SECRET) if not values.get(name)]
    if missing:
        raise UsageError(f"{lack} {' and '.join(missing)}")
    return Credentials(values[KEY], values[SECRET], values.get(URL) or None)


def _from_file(path: Path) -> dict[str, str]:
    # The form that shells, systemd and `docker run --env-file` read, and that `sinch-reporting sandbox` prints.
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"the credentials file {path} cannot be read: {reason}") from error
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        try:
            words = [word for word in shlex.split(line, comments=True) if word != "export"]
        except ValueError:
            words = ["?"]
        for word in words:
            name, equals, value = word.partition("=")
            if not equals:
                raise UsageError(f"line {number} of the credentials file {path} is not NAME=VALUE")
            values[name] = value
    return values


def _from_keyring() -> dict[str, str]:
    try:
        import keyring  # noqa: PLC0415 - an extra of its own
        from keyring.errors import KeyringError  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError("--keyring needs the extra `keyring`: pip install 'sinch-reporting[cli,keyring]'") from error
    try:
        found = {name: keyring.get_password(SERVICE, name) for name in (KEY, SECRET, URL)}
    except KeyringError as error:
        raise UsageError(f"the keyring cannot be read ({type(error).__name__}): {error}") from error
    return {name: value for name, value in found.items() if value}
