"""Redocly's linter, which finds what a validator lets pass, such as paths that cannot be told apart."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from scripts.lib.spec import SpecError

_LINTER = Path(__file__).resolve().parents[2] / "tools/node_modules/@redocly/cli/bin/cli.js"
_ALONE = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def lint(document: Path, config: Path) -> None:
    """Raise SpecError where the linter finds an error."""
    node = shutil.which("node")
    if node is None or not _LINTER.exists():
        raise SpecError("the linter is missing: it needs node on the PATH, and scripts/setup-node")
    command = [node, str(_LINTER), "lint", "--config", str(config), "--format", "json", str(document)]
    ran = subprocess.run(command, env=os.environ | _ALONE, capture_output=True, text=True, check=False)  # noqa: S603
    if ran.returncode:
        raise SpecError(f"the linter refuses the document: {_first_error(ran.stdout) or ran.stderr[:500]}")


def _first_error(report: str) -> str:
    try:
        problems = json.loads(report)["problems"]
    except ValueError:
        return ""
    return next((problem["message"] for problem in problems if problem["severity"] == "error"), "")
