"""Checks for insecure code, disallowed licences and weak workflows; with --online, for known vulnerabilities too."""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.utils import canonicalize_name

from scripts.release.packages import extras, installed_with

ROOT = Path(__file__).resolve().parents[2]
CODE = ("sinch_reporting", "generated_client", "scripts")

# What metadata call MIT (MIT-0 demands less), BSD, Apache 2.0 and Python's licence.
ALLOWED_LICENCES = {
    "MIT",
    "MIT License",
    "MIT-0",
    "BSD License",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "Apache Software License",
    "Apache-2.0",
    "PSF-2.0",
    "Python Software Foundation License",
}
ALLOWED_FOR = {
    # Copyleft for its own files only; httpx uses them unchanged.
    "certifi": {"MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)"},
    # Its metadata name no clauses; its licence file has the three of BSD-3-Clause.
    "partd": {"BSD"},
}


class AuditError(Exception):
    """A check did not run."""


def _run(*command: str, root: Path = ROOT, statuses: Iterable[int] | None = None) -> "subprocess.CompletedProcess[str]":
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 - fixed commands
    if statuses is not None and ran.returncode not in statuses:
        raise AuditError(f"{' '.join(command[:3])} failed:\n{ran.stdout}{ran.stderr}")
    return ran


def insecure_code(root: Path) -> list[str]:
    """Return the findings of ruff's security rules, also in the generated client, which scripts/lint leaves out."""
    options = (
        "--isolated",
        "--no-cache",
        "--select",
        "S",
        "--exclude",
        "node_modules",
        "--output-format",
        "concise",
        "--quiet",
    )
    ran = _run(sys.executable, "-m", "ruff", "check", *options, *CODE, root=root, statuses=(0, 1))
    return ran.stdout.splitlines()


def licences_of(packages: Iterable[str]) -> dict[str, str]:
    """Return the licence of each package, as pip-licenses reports it."""
    command = (sys.executable, "-m", "piplicenses", "--format", "json", "--packages", *packages)
    rows = json.loads(_run(*command, statuses=(0,)).stdout)
    found: dict[str, str] = {canonicalize_name(row["Name"]): _name(row["License"]) for row in rows}
    return {name: found.get(name, "UNKNOWN") for name in packages}


def _name(licence: str) -> str:
    """Return the name of a licence; some metadata have its whole text."""
    is_bsd = "Redistribution and use in source and binary forms" in licence
    return ("BSD-3-Clause" if "Neither the name of" in licence else "BSD-2-Clause") if is_bsd else licence


def disallowed_licences(licences: Mapping[str, str]) -> list[str]:
    """Return a line for each licence that is not allowed. All licences of a package must be."""
    return [
        f"{package}: {licence}"
        for package, text in sorted(licences.items())
        for licence in re.split(r"; | OR | AND ", text)
        if licence not in ALLOWED_LICENCES | ALLOWED_FOR.get(package, set())
    ]


def weak_workflows(root: Path) -> list[str]:
    """Return zizmor's findings in the workflows and in Dependabot's configuration."""
    command = (str(Path(sys.executable).parent / "zizmor"), "--offline", "--pedantic", "--strict-collection", ".github")
    ran = _run(*command, "--quiet", "--color=never", root=root)
    return [ran.stdout + ran.stderr] if ran.returncode else []


def vulnerable_packages(root: Path) -> list[str]:
    """Return pip-audit's findings in the pinned packages, or why it did not check all of them."""
    command = (sys.executable, "-m", "pip_audit", "--requirement", "scripts/requirements.txt", "--require-hashes")
    # --strict: otherwise an unknown package counts as a safe one.
    ran = _run(*command, "--disable-pip", "--strict", "--progress-spinner", "off", root=root)
    if not ran.returncode:
        return []
    last = ran.stderr.strip().rpartition("\n")[2]
    return [*ran.stdout.splitlines(), last, "If the service did not respond, nothing is known."]


def main(arguments: list[str] | None = None) -> int:
    """Run the checks, print their findings, and return 0 if there are none."""
    parser = argparse.ArgumentParser(prog="scripts/audit", description=__doc__)
    parser.add_argument("--online", action="store_true", help="check for known vulnerabilities too")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        found: dict[str, list[str]] = {
            "insecure code": insecure_code(options.root),
            "disallowed licences": disallowed_licences(licences_of(installed_with(extras()))),
            "weak workflows": weak_workflows(options.root),
        }
        if options.online:
            found["known vulnerabilities"] = vulnerable_packages(options.root)
    except AuditError as error:
        print(f"audit: {error}", file=sys.stderr)
        return 1
    for what, lines in found.items():
        print("\n  ".join([f"{what}:", *lines]) if lines else f"{what}: none")
    if not options.online:
        print("known vulnerabilities: not checked; use --online")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
