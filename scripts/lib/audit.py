"""Looks for insecure code, unwanted licences and weak workflows; with --online, for known vulnerabilities too."""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import metadata, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
CODE = ("sinch_reporting", "generated_client", "scripts/lib")

# What bandit finds and we accept, by file and test; ruff's S rules allow the same, place by place.
ACCEPTED_FINDINGS = {
    ("scripts/lib/api_changes.py", "B404"): "asks git for the releases",
    ("scripts/lib/api_changes.py", "B603"): "no shell; a version that is asked for has been parsed",
    ("scripts/lib/api_changes.py", "B607"): "git is whichever the developer has",
    ("scripts/lib/audit.py", "B404"): "runs the tools of the audit",
    ("scripts/lib/audit.py", "B603"): "no shell; every argument stands in this file",
    ("scripts/lib/pictures.py", "B102"): "the cells of our own notebook",
    ("scripts/lib/pictures.py", "B404"): "runs the command",
    ("scripts/lib/pictures.py", "B603"): "no shell; every argument stands in the file",
    ("scripts/lib/regenerate.py", "B404"): "runs the generator",
    ("scripts/lib/regenerate.py", "B603"): "no shell; every argument stands in the file",
    ("sinch_reporting/cli/credentials.py", "B105"): "the variable's name",
    ("scripts/lib/spec/linter.py", "B404"): "runs the linter",
    ("scripts/lib/spec/linter.py", "B603"): "no shell; the arguments are the linter and paths",
    ("scripts/lib/spec/parse.py", "B506"): "the loader is a SafeLoader",
    ("scripts/lib/unasync.py", "B404"): "runs ruff",
    ("scripts/lib/unasync.py", "B603"): "no shell; every argument stands in the file",
    ("sinch_reporting/async_client.py", "B106"): "an empty token: the generated client has to have one",
    ("sinch_reporting/client.py", "B106"): "the same",
    ("sinch_reporting/retry.py", "B311"): "the jitter of a wait is no secret",
    ("sinch_reporting/testing/_fault_queue.py", "B311"): "chaos for tests has to be the same every time",
    ("sinch_reporting/testing/_sandbox.py", "B105"): "the documentation's example, secret to nobody",
}

# The names under which metadata speak of MIT (MIT-0 asks for less), BSD, Apache 2.0 and Python's licence.
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
    # Copyleft of its own files only; httpx uses them unchanged.
    "certifi": {"MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)"},
    # Its metadata name no clauses; its licence file has the three of BSD-3-Clause.
    "partd": {"BSD"},
}


class AuditError(Exception):
    """A check could not be made."""


def _run(*command: str, root: Path = ROOT, statuses: Iterable[int] | None = None) -> "subprocess.CompletedProcess[str]":
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 - fixed commands
    if statuses is not None and ran.returncode not in statuses:
        raise AuditError(f"{' '.join(command[:3])} failed:\n{ran.stdout}{ran.stderr}")
    return ran


def insecure_code(root: Path, accepted: Mapping[tuple[str, str], str]) -> list[str]:
    """Return a line for each finding of bandit that is not accepted, and for each acceptance that nothing needs."""
    command = (sys.executable, "-m", "bandit", "--recursive", "--quiet", "--ignore-nosec", "--format", "json", *CODE)
    report = json.loads(_run(*command, root=root, statuses=(0, 1)).stdout)
    results = report["results"]
    found = {(result["filename"], result["test_id"]) for result in results}
    return [
        *(f"{failure['filename']}: {failure['reason']}" for failure in report["errors"]),
        *(
            f"{result['filename']}:{result['line_number']}: {result['test_id']} {result['issue_text']}"
            for result in results
            if (result["filename"], result["test_id"]) not in accepted
        ),
        *(f"{name}: {test} is accepted, and not found any more" for name, test in sorted(accepted.keys() - found)),
    ]


def installed_for_a_user() -> set[str]:
    """Return the names of all packages that the core and the extras bring into an install."""
    found: set[str] = set()
    waiting = [("sinch-reporting", extra) for extra in metadata("sinch-reporting").get_all("Provides-Extra") or ()]
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        found.add(name)
        for requirement in map(Requirement, requires(name) or ()):
            if requirement.marker and not any(requirement.marker.evaluate({"extra": each}) for each in {"", extra}):
                continue
            brought = canonicalize_name(requirement.name)
            needed = {(brought, each) for each in ("", *requirement.extras)} - seen
            seen |= needed
            waiting += needed
    return found - {"sinch-reporting"}


def licences_of(packages: Iterable[str]) -> dict[str, str]:
    """Return what pip-licenses says of each of the packages."""
    command = (sys.executable, "-m", "piplicenses", "--format", "json", "--packages", *packages)
    rows = json.loads(_run(*command, statuses=(0,)).stdout)
    said: dict[str, str] = {canonicalize_name(row["Name"]): row["License"] for row in rows}
    return {name: said.get(name, "UNKNOWN") for name in packages}


def unwanted_licences(licences: Mapping[str, str]) -> list[str]:
    """Return a line for each licence that is not allowed; where a package has several, each must be."""
    return [
        f"{package}: {licence}"
        for package, said in sorted(licences.items())
        for licence in re.split(r"; | OR | AND ", said)
        if licence not in ALLOWED_LICENCES | ALLOWED_FOR.get(package, set())
    ]


def weak_workflows(root: Path) -> list[str]:
    """Return what zizmor says of the workflows and of Dependabot's configuration, if it finds anything at all."""
    command = (str(Path(sys.executable).parent / "zizmor"), "--offline", "--pedantic", "--strict-collection", ".github")
    ran = _run(*command, "--quiet", "--color=never", root=root)
    return [ran.stdout + ran.stderr] if ran.returncode else []


def vulnerable_packages(root: Path) -> list[str]:
    """Return what pip-audit says of the pinned packages, unless it asked about all of them and all are well."""
    command = (sys.executable, "-m", "pip_audit", "--requirement", "scripts/requirements.txt", "--require-hashes")
    # --strict: without it, a package that the service does not know counts as a sound one.
    ran = _run(*command, "--disable-pip", "--strict", "--progress-spinner", "off", root=root)
    if not ran.returncode:
        return []
    last = ran.stderr.strip().rpartition("\n")[2]
    return [*ran.stdout.splitlines(), last, "Where the service could not be asked, nothing is known."]


def main(arguments: list[str] | None = None) -> int:
    """Make the checks, say what each of them found, and return 0 where that is nothing."""
    parser = argparse.ArgumentParser(prog="scripts/audit", description=__doc__)
    parser.add_argument("--online", action="store_true", help="look for known vulnerabilities too")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        found: dict[str, list[str]] = {
            "insecure code": insecure_code(options.root, ACCEPTED_FINDINGS),
            "unwanted licences": unwanted_licences(licences_of(installed_for_a_user())),
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
        print("known vulnerabilities: not looked for; that needs --online")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
