"""Makes openapi/reporting.yaml and generated_client/ from openapi/upstream.yaml and openapi/overlay.yaml."""

import argparse
import sys
import tempfile
from pathlib import Path

from scripts.openapi import SpecError
from scripts.openapi.atomic_replace import replace_all
from scripts.openapi.correct import correct
from scripts.openapi.generate import generate
from scripts.openapi.limits import Limits
from scripts.openapi.refs import Json
from scripts.openapi.safe_yaml import dump, parse
from scripts.openapi.sanitize import check
from scripts.openapi.validate import validate

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path("generated_client/sinch_reporting_client")
UPSTREAM, OVERLAY = Path("openapi/upstream.yaml"), Path("openapi/overlay.yaml")
CONFIGURATION = (OVERLAY, Path("openapi/generator.yaml"), Path("openapi/redocly.yaml"))
DOCUMENT = Path("openapi/reporting.yaml")
HEADER = "# Made by scripts/regenerate from upstream.yaml and overlay.yaml; edit the overlay, not this.\n"


def load(path: Path) -> Json:
    """Return the YAML document at the path. Raises SpecError."""
    try:
        return parse(path.read_bytes())
    except (SpecError, OSError) as error:
        raise SpecError(f"{path.name}: {error}") from error


def prepare(upstream: Json, overlay: Json, limits: Limits) -> Json:
    """Return the corrected document, checked and validated. Raises SpecError."""
    document, failures = correct(upstream, overlay)
    if failures:
        raise SpecError("\n".join(map(str, failures)))
    check(document)
    validate(document, limits.validation)
    return document


def build(root: Path, into: Path, limits: Limits) -> Json:
    """Make the document and the package of the checkout at `root` in the folder `into`; return the document.

    Raises SpecError with every finding of the first step that fails.
    """
    document = prepare(load(root / UPSTREAM), load(root / OVERLAY), limits)
    target = into / DOCUMENT
    target.parent.mkdir(parents=True)
    target.write_text(HEADER + dump(document), "utf-8")
    generate(document, target, root / "openapi/generator.yaml", into / PACKAGE, limits.generation)
    return document


def _files(root: Path) -> dict[str, bytes]:
    paths = [root / DOCUMENT, *(path for path in (root / PACKAGE).rglob("*") if "__pycache__" not in path.parts)]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths if path.is_file()}


def differences(made: Path, checked_in: Path) -> list[str]:
    """Return a line for each file that is missing, extra or different in what is checked in."""
    expected, present = _files(made), _files(checked_in)
    return sorted(
        [f"missing: {name}" for name in expected.keys() - present.keys()]
        + [f"extra: {name}" for name in present.keys() - expected.keys()]
        + [f"differs: {name}" for name in expected.keys() & present.keys() if expected[name] != present[name]]
    )


def main(arguments: list[str] | None = None) -> int:
    """Regenerate, or with --check only compare; return 0 if nothing is wrong."""
    parser = argparse.ArgumentParser(prog="scripts/regenerate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if what is checked in differs")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    # Beside the target, since a move between file systems is not atomic.
    with tempfile.TemporaryDirectory(prefix=".regenerate-", dir=options.root) as folder:
        made = Path(folder)
        try:
            build(options.root, made, Limits())
        except SpecError as error:
            print(f"regenerate: {error}", file=sys.stderr)
            return 1
        changes = differences(made, options.root)
        if options.check:
            print("\n".join([*changes, "run scripts/regenerate"]) if changes else "the generated files are up to date")
            return 1 if changes else 0
        replace_all((made / name, options.root / name) for name in (DOCUMENT, PACKAGE))
    print("\n".join(changes) if changes else "nothing changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
