"""Makes openapi/reporting.yaml and generated_client/ from openapi/upstream.yaml and openapi/overlay.yaml."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from openapi_spec_validator import validate
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

from scripts.lib.overlay import OverlayError, apply_overlay
from scripts.lib.replace import replace_all
from scripts.lib.spec import SpecError
from scripts.lib.spec.facts import operation_id
from scripts.lib.spec.parse import dump, parse
from scripts.lib.spec.refs import operations, without_unused
from scripts.lib.spec.screen import screen
from scripts.lib.spec.settle import settle_titles

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path("generated_client/sinch_reporting_client")
DOCUMENT = Path("openapi/reporting.yaml")
OPERATIONS = {"getCallReport", "getCounter", "getServiceStatus"}
HEADER = "# Made by scripts/regenerate from upstream.yaml and overlay.yaml; edit the overlay, not this.\n"


class RegenerationError(Exception):
    """The document or the generated client is not what it must be."""


def load(path: Path) -> dict[str, Any]:
    """Return the YAML document at the path."""
    try:
        return parse(path.read_bytes())
    except (SpecError, OSError) as error:
        raise RegenerationError(f"{path.name}: {error}") from error


def documented(document: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return each operation of the document as its id and (method, path)."""
    return {operation_id(path, method, found): (method, path) for path, method, found in operations(document)}


def build(root: Path, into: Path) -> None:
    """Make the document and the package of the checkout at `root` in the folder `into`.

    Raises OverlayError, SpecError and RegenerationError.
    """
    document = corrected(load(root / "openapi/upstream.yaml"), load(root / "openapi/overlay.yaml"))
    try:
        validate(document)
    except OpenAPIValidationError as error:
        raise RegenerationError(f"the corrected document is not valid OpenAPI: {error}") from error
    target = into / DOCUMENT
    target.parent.mkdir(parents=True)
    target.write_text(HEADER + dump(document), "utf-8")
    _generate(target, root / "openapi/generator.yaml", into / PACKAGE)
    screen(into / PACKAGE)
    wanted = documented(document)
    generated = _generated_operations(into / PACKAGE)
    missing = OPERATIONS - wanted.keys()
    missing |= {name for name, (method, path) in wanted.items() if (method, _shape(path)) not in generated}
    if missing:
        raise RegenerationError(f"not generated: {', '.join(sorted(missing))}")


def corrected(upstream: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """Return the document that the client is made from. Raises OverlayError."""
    document = apply_overlay(upstream, overlay)
    settle_titles(document)
    without_unused(document)
    return document


def _shape(path: str) -> str:
    return re.sub(r"{[^}]*}", "{}", path)


def _generated_operations(package: Path) -> set[tuple[str, str]]:
    """Read off the generated modules what they call: the generator drops what it dislikes, and may still exit 0."""
    call = re.compile(r'"method": "(\w+)",\s+"url": "([^"]+)"')
    modules = [path.read_text("utf-8") for path in (package / "api").glob("*/*.py")]
    return {(method, _shape(path)) for module in modules for method, path in call.findall(module)}


def _generate(document: Path, config: Path, package: Path) -> None:
    package.parent.mkdir(parents=True)
    # The generator and the ruff that its post-hooks call are those beside this interpreter.
    tools = Path(sys.executable).parent
    command = [str(tools / "openapi-python-client"), "generate", "--meta", "none", "--fail-on-warning"]
    command += ["--path", str(document), "--config", str(config), "--output-path", str(package)]
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if result.returncode:
        raise RegenerationError(f"the generator failed:\n{result.stdout}{result.stderr}")
    (package / "py.typed").touch()


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
    """Regenerate, or with --check only compare; 0 where all is well."""
    parser = argparse.ArgumentParser(prog="scripts/regenerate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where what is checked in differs")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    # Beside what it replaces, since nothing can be moved from one file system to another at once.
    with tempfile.TemporaryDirectory(prefix=".regenerate-", dir=options.root) as folder:
        made = Path(folder)
        try:
            build(options.root, made)
        except (OverlayError, SpecError, RegenerationError) as error:
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
