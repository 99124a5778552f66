"""What an export is of, kept at its destination, so that only the same one goes on there."""

import json

from attrs import asdict, frozen

from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.store import Store

NAME = "export.json"


@frozen(kw_only=True)
class Manifest:
    """The parameters of an export, and what its input held."""

    domain: str
    start: str
    stop: str
    file_format: str
    partition_size: int
    endpoints: int
    duplicates: int
    rejected: int
    input_sha256: str
    layout: int = 1


_MEANT = {
    "domain": "the domain",
    "start": "the first day",
    "stop": "the last day",
    "file_format": "the format",
    "partition_size": "the partition size",
}


def claim(store: Store, manifest: Manifest) -> None:
    """Make the destination this export's, or find that it is. Raises InvalidRequestError where it is another's."""
    names = store.names()
    if NAME in names:
        known = _content(store)
        differing = [name for name, value in asdict(manifest).items() if known.get(name) != value]
        if differing:
            # Where the input is another one, its counts differ too.
            said = list(dict.fromkeys(_MEANT.get(name, "the input") for name in differing))
            raise InvalidRequestError(
                f"the destination holds an export with other parameters ({', '.join(said)}); "
                "start it with the same ones, or choose another destination"
            )
    elif [name for name in names if not name.startswith(".")]:
        raise InvalidRequestError("the destination is not empty, and holds no export; choose another one")
    else:
        content = json.dumps(asdict(manifest), indent=2).encode() + b"\n"
        store.write(NAME, lambda file: file.write(content))


def _content(store: Store) -> dict[str, object]:
    try:
        content = json.loads(store.read(NAME))
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {}
