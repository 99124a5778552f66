"""Runs Redocly's linter, which finds what the validator accepts, such as paths that cannot be told apart."""

import json
import shutil
from pathlib import Path

from scripts.openapi import SpecError
from scripts.openapi.limits import output_of, run_tool
from scripts.openapi.refs import Json, schemas_of

_LINTER = Path(__file__).resolve().parents[1] / "tools/node_modules/@redocly/cli/bin/cli.js"
_OFFLINE = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def lint(document: Json, path: Path, config: Path, seconds: float) -> None:
    """Raise SpecError with every error that the linter finds in the document, which is stored at the path."""
    node = shutil.which("node")
    if node is None or not _LINTER.exists():
        raise SpecError("the linter is missing: install node, then run scripts/setup-node")
    command = [node, str(_LINTER), "lint", "--config", str(config), "--format", "json", str(path)]
    patterns = ", ".join([place for place, schema in schemas_of(document) if "pattern" in schema][:5])
    ran = run_tool(command, seconds, f"the linter, which checks the patterns at {patterns or 'no place'},", _OFFLINE)
    if ran.returncode:
        try:
            problems = json.loads(ran.stdout)["problems"]
            found = [
                f"{problem['location'][0]['pointer']}: {problem['message']} ({problem['ruleId']})"
                for problem in problems
                if problem["severity"] == "error"
            ]
        except (ValueError, LookupError, TypeError):
            found = [output_of(ran)]
        raise SpecError("\n".join(["the linter refuses the document:", *found]))
