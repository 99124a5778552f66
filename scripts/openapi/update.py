"""Updates the publisher's document, regenerates the client, and reports what changes for a user of the library.

Exit status: 0 nothing changes for a user, 10 additive changes, 20 breaking changes, 30 the publisher has withdrawn
operations, 1 failure. With 30 and 1 the tree is unchanged.
"""

import argparse
import hashlib
import shutil
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from attrs import evolve

from scripts.openapi import SpecError
from scripts.openapi.atomic_replace import replace_all
from scripts.openapi.correct import simplify
from scripts.openapi.diff import Change, Severity, diff
from scripts.openapi.extract import Extract, extract
from scripts.openapi.fetch import ADDRESS, fetch, is_url
from scripts.openapi.flatten import Elements, flatten, operation_id, operation_key
from scripts.openapi.limits import Limits, time_limit
from scripts.openapi.lint import lint
from scripts.openapi.overlay import redundant_actions, stages
from scripts.openapi.refs import Json, operations
from scripts.openapi.regenerate import CONFIGURATION, DOCUMENT, OVERLAY, PACKAGE, ROOT, UPSTREAM, build, load
from scripts.openapi.report import Report, ReportedChange
from scripts.openapi.safe_yaml import dump, parse
from scripts.openapi.usages import Usages

_LIMITS = Limits()
_HEADER = """\
# The publisher's OpenAPI document, reduced to its "Call Report" tag by scripts/update-spec; never edited by hand.
# version: {version}
# date:    {date}
# sha256:  {digest}
"""


def update(root: Path, source: str, pause: float, limits: Limits) -> Report | None:
    """Update the tree at `root` to the document at `source`. Return None if its part of it is the same.

    The tree is unchanged after SpecError, and if the report has a problem or withdrawn operations.
    """
    # Beside the target, since a move between file systems is not atomic.
    with tempfile.TemporaryDirectory(prefix=".update-spec-", dir=root) as folder:
        staged, made = Path(folder), Path(folder) / "made"
        with time_limit(limits.total, "the update"):
            data = fetch(source, pause, limits.download)
            part = extract(parse(data), load(root / UPSTREAM))
            if part.document == load(root / UPSTREAM):
                return None
            if part.missing and not data.endswith((b"\n", b"}")):
                raise SpecError("the document is incomplete: it lacks operations, and ends within a line")
            report = _stage(root, staged, made, part, hashlib.sha256(data).hexdigest(), limits)
        if not report.problem and not report.withdrawn:
            replace_all(
                [
                    (staged / UPSTREAM, root / UPSTREAM),
                    (made / DOCUMENT, root / DOCUMENT),
                    (made / PACKAGE, root / PACKAGE),
                ]
            )
    return report


def _stage(root: Path, staged: Path, made: Path, part: Extract, digest: str, limits: Limits) -> Report:
    """Store the new document in one folder, make everything from it in the other, and return the report."""
    before, overlay, version = load(root / UPSTREAM), load(root / OVERLAY), part.document["info"]["version"]
    labels = _labels(before) | _labels(part.document) | _labels(load(root / DOCUMENT))
    upstream = diff(flatten(before), flatten(part.document), upstream=True)
    report = Report(version, digest, labels, Usages(root), list(map(ReportedChange, upstream)), notes=part.notes)
    if part.missing:
        # The section on the withdrawn operations says what their absence means.
        kept = [
            each for each in report.changes if (each.change.element.kind, each.change.text) != ("operation", "is gone")
        ]
        return evolve(report, withdrawn=part.missing, changes=kept if part.document["paths"] else [])
    (staged / UPSTREAM).parent.mkdir()
    date = datetime.now(UTC).date().isoformat()
    header = _HEADER.format(version=" ".join(version.split()), date=date, digest=digest)
    (staged / UPSTREAM).write_text(header + dump(part.document), "utf-8")
    for name in CONFIGURATION:
        shutil.copyfile(root / name, staged / name)
    try:
        document = build(staged, made, limits)
        lint(document, made / DOCUMENT, staged / "openapi/redocly.yaml", limits.linting)
    except SpecError as error:
        return evolve(report, problem=str(error))
    visible = diff(flatten(load(root / DOCUMENT)), flatten(document))
    return evolve(
        report,
        labels=labels | _labels(document),
        changes=[*map(ReportedChange, visible), *hidden(before, part.document, overlay, visible, flatten(document))],
        uncovered=[name for name in _labels(document).values() if not Usages(root).covers(name)],
        redundant=redundant_actions(simplify(part.document), overlay),
    )


def _labels(document: Json) -> dict[str, str]:
    return {
        operation_key(path, method): operation_id(path, method, each) for path, method, each in operations(document)
    }


def hidden(before: Json, after: Json, overlay: Json, visible: list[Change], elements: Elements) -> list[ReportedChange]:
    """Return the changes from one upstream document to the other that are not visible in the corrected elements.

    Each has the number of the action that hides it, or none if the client does not depend on it.
    """
    shown = {each.key for each in visible}
    upstream = diff(flatten(before), flatten(after), upstream=True)
    left = [each for each in upstream if each.key not in shown and not _agrees(each, elements)]
    found = []
    for number, (old, new) in enumerate(
        zip(stages(simplify(before), overlay), stages(simplify(after), overlay), strict=True)
    ):
        still = {change.key for change in diff(flatten(old), flatten(new), upstream=True)}
        found += [ReportedChange(each, number or None) for each in left if each.key not in still]
        left = [each for each in left if each.key in still]
    return found


def _agrees(change: Change, elements: Elements) -> bool:
    """Whether the publisher now says what the corrected document says, so that nothing is hidden."""
    ours, theirs = elements.get(change.element.key), change.element
    if change.severity is Severity.COSMETIC and change.trait != "format":
        return True
    if ours is None or change.text == "is gone":
        return False
    traits = {change.trait} if change.trait else theirs.contract.keys() - {"class", "model", "format"}
    if theirs.kind == "response" and not theirs.name.startswith("2"):
        traits -= {"media types"}  # error bodies are read whatever their media type is
    return all(
        ours.contract.get(trait) == theirs.contract[trait]
        or (trait == "type" and theirs.contract[trait] in ours.contract["type"].split(" or "))
        for trait in traits
    )


def main(arguments: list[str] | None = None, limits: Limits = _LIMITS) -> int:
    """Update, print the report, and return the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/update-spec", description=__doc__)
    parser.add_argument("source", nargs="?", default=ADDRESS, metavar="FILE|URL", help="default: %(default)s")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report as Markdown too")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, default=Path(), help=argparse.SUPPRESS)  # base of relative paths
    parser.add_argument("--pause", type=float, default=2.0, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    source = options.source if is_url(options.source) else str(options.folder / options.source)
    try:
        report = update(options.root, source, options.pause, limits)
    except (SpecError, OSError) as error:
        report = Report(problem=str(error))
    except Exception as error:  # noqa: BLE001 - a document must not stop the workflow without a report
        last = traceback.extract_tb(error.__traceback__)[-1]
        report = Report(problem=f"bug in scripts/openapi: {error!r} in {Path(last.filename).name}, line {last.lineno}")
    if report and options.markdown:
        (options.folder / options.markdown).write_text(report.as_markdown(), "utf-8")
    print(report.as_text() if report else "nothing changed")
    if report and report.problem:
        print(f"update-spec: {report.problem}", file=sys.stderr)
    return report.status if report else 0


if __name__ == "__main__":
    sys.exit(main())
