"""Generates the client from the corrected document with openapi-python-client, and checks what comes out."""

import os
import re
import sys
from pathlib import Path

from scripts.openapi import SpecError
from scripts.openapi.check_generated_code import check_code
from scripts.openapi.extract import shape
from scripts.openapi.limits import output_of, run_tool
from scripts.openapi.refs import Json, operations


def generate(document: Json, path: Path, config: Path, package: Path, seconds: float) -> None:
    """Write the package for the document, which is stored at the path. Raises SpecError."""
    package.parent.mkdir(parents=True)
    # The generator, and the ruff that its post-hooks call, are those of this environment.
    tools = Path(sys.executable).parent
    command = [str(tools / "openapi-python-client"), "generate", "--meta", "none", "--fail-on-warning"]
    command += ["--path", str(path), "--config", str(config), "--output-path", str(package)]
    ran = run_tool(command, seconds, "the generator", {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"})
    if ran.returncode:
        raise SpecError(f"the generator refuses the document:\n{output_of(ran)}")
    (package / "py.typed").touch()
    check_code(package)
    # The generator drops what it does not support, and may still exit 0.
    made = _generated_operations(package)
    missing = [
        f"{method.upper()} {name}" for name, method, _ in operations(document) if (method, shape(name)) not in made
    ]
    if missing:
        raise SpecError(f"the generator dropped {', '.join(missing)}")


def _generated_operations(package: Path) -> set[tuple[str, str]]:
    call = re.compile(r'"method": "(\w+)",\s+"url": "([^"]+)"')
    modules = [path.read_text("utf-8") for path in (package / "api").glob("*/*.py")]
    return {(method, shape(path)) for module in modules for method, path in call.findall(module)}
