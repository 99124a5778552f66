"""Brings the publisher's document up to date, regenerates, and tells what changes for a user of the library.

Exit status: 0 nothing changes for a user, 10 something is new, 20 something breaks, 1 failure, which leaves all as it
was.
"""

import argparse
import hashlib
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.lib.overlay import OverlayError, superfluous
from scripts.lib.regenerate import DOCUMENT, PACKAGE, ROOT, RegenerationError, build, documented, load
from scripts.lib.replace import replace_all
from scripts.lib.spec import SpecError
from scripts.lib.spec.changes import changes
from scripts.lib.spec.extract import Extract, extract
from scripts.lib.spec.facade import Facade
from scripts.lib.spec.facts import facts
from scripts.lib.spec.fetch import ADDRESS, fetch, is_address
from scripts.lib.spec.linter import lint
from scripts.lib.spec.parse import dump, parse
from scripts.lib.spec.report import Placed, Report, as_markdown, as_text

UPSTREAM = Path("openapi/upstream.yaml")
OVERLAY = Path("openapi/overlay.yaml")
_CONFIGURATION = (OVERLAY, Path("openapi/generator.yaml"), Path("openapi/redocly.yaml"))
_HEADER = """\
# The publisher's OpenAPI document, reduced to its "Call Report" tag by scripts/update-spec; never edited by hand.
# version: {version}
# date:    {date}
# sha256:  {digest}
"""


def update(root: Path, source: str, pause: float = 2.0) -> Report | None:
    """Bring the tree at `root` up to date with the document at `source`; None where its part of it is the same.

    Raises SpecError, OverlayError and RegenerationError, and then changes nothing.
    """
    data = fetch(source, pause)
    part = extract(parse(data))
    if part.document == load(root / UPSTREAM):
        return None
    digest = hashlib.sha256(data).hexdigest()
    # Beside what it replaces, since nothing can be moved from one file system to another at once.
    with tempfile.TemporaryDirectory(prefix=".update-spec-", dir=root) as folder:
        staged, made = Path(folder), Path(folder) / "made"
        (staged / UPSTREAM).parent.mkdir()
        (staged / UPSTREAM).write_text(_stored(part.document, digest), "utf-8")
        for name in _CONFIGURATION:
            shutil.copyfile(root / name, staged / name)
        build(staged, made)
        lint(made / DOCUMENT, staged / "openapi/redocly.yaml")
        report = _report(root, part, load(made / DOCUMENT), digest)
        replace_all(
            [
                (staged / UPSTREAM, root / UPSTREAM),
                (made / DOCUMENT, root / DOCUMENT),
                (made / PACKAGE, root / PACKAGE),
            ]
        )
    return report


def _stored(document: dict[str, Any], digest: str) -> str:
    date = datetime.now(UTC).date().isoformat()
    return _HEADER.format(version=document["info"]["version"], date=date, digest=digest) + dump(document)


def _report(root: Path, part: Extract, document: dict[str, Any], digest: str) -> Report:
    facade = Facade(root)
    found = changes(facts(load(root / DOCUMENT)), facts(document))
    return Report(
        version=document["info"]["version"],
        digest=digest,
        placed=[Placed(change, facade.place(change)) for change in found],
        missing=[name for name in documented(document) if not facade.covers(name)],
        superfluous=superfluous(part.document, load(root / OVERLAY)),
        notes=part.notes,
    )


def main(arguments: list[str] | None = None) -> int:
    """Update, say what changes, and return how much."""
    parser = argparse.ArgumentParser(prog="scripts/update-spec", description=__doc__)
    parser.add_argument("source", nargs="?", default=ADDRESS, metavar="FILE|URL", help="default: %(default)s")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write a report as Markdown too")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, default=Path(), help=argparse.SUPPRESS)  # that paths are relative to
    parser.add_argument("--pause", type=float, default=2.0, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        source = options.source if is_address(options.source) else str(options.folder / options.source)
        report = update(options.root, source, options.pause)
        if report and options.markdown:
            (options.folder / options.markdown).write_text(as_markdown(report), "utf-8")
    except (SpecError, OverlayError, RegenerationError, OSError) as error:
        print(f"update-spec: {error}", file=sys.stderr)
        return 1
    print(as_text(report) if report else "nothing changed")
    return int(report.severity) if report else 0


if __name__ == "__main__":
    sys.exit(main())
