"""Reports changes of the public API since the last release, and checks that the version announces them.

Public are the names that `sinch_reporting` exports, its modules `testing`, `export`, `metrics` and `tracing`, and the
generated client.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parents[2]
# Each package with its folder, and with its public modules if not all of them are.
_PACKAGES: dict[str, tuple[str, set[str] | None]] = {
    "sinch_reporting": (".", {"testing", "export", "metrics", "tracing"}),
    "sinch_reporting_client": ("generated_client", None),
}


class UnknownReleaseError(Exception):
    """The repository does not show the last release."""


def last_release(root: Path) -> Version | None:
    """Return the highest version among the tags, without pre-releases; None before the first release."""
    if _git(root, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise UnknownReleaseError("this clone lacks its history: fetch all of it, with its tags")
    found = []
    for tag in _git(root, "tag", "--list", "v*", "--merged", "HEAD").split():
        try:
            found.append(Version(tag))
        except InvalidVersion:
            continue
    return max((version for version in found if not version.is_prerelease), default=None)


def _git(root: Path, *arguments: str) -> str:
    ran = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)  # noqa: S603, S607
    if ran.returncode:
        raise UnknownReleaseError(ran.stderr.strip())
    return ran.stdout


def compare(root: Path, release: Version) -> tuple[list[str], list[str]]:
    """Return a line for each breaking change since the release, and each new name."""
    broken: set[str] = set()
    added: set[str] = set()
    for package, (folder, _) in _PACKAGES.items():
        released = griffe.load_git(package, ref=f"v{release}", repo=root, search_paths=[folder], **_OPTIONS)
        # Not relative: that would be relative to the current folder.
        present = griffe.load(package, search_paths=[root / folder], try_relative_path=False, **_OPTIONS)
        before, after = dict(_objects(_public(released), package)), dict(_objects(_public(present), package))
        added |= _outermost(after.keys() - before.keys())
        broken |= {f"{name}: is gone" for name in _outermost(before.keys() - after.keys())}
        for breakage in griffe.find_breaking_changes(released, present):
            if breakage.kind is not griffe.BreakageKind.OBJECT_REMOVED and breakage.obj.name != "__version__":
                broken.add(f"{breakage.obj.path}: {breakage.kind.value}{_details(breakage)}")
        for name in before.keys() & after.keys():
            broken |= _changed_field(name, before[name], after[name])
    return sorted(broken), sorted(added)


_OPTIONS: dict[str, Any] = {"resolve_aliases": True, "resolve_external": False, "allow_inspection": False}


def _outermost(names: set[str]) -> set[str]:
    return {name for name in names if name.rpartition(".")[0] not in names}


def _changed_field(name: str, old: griffe.Object, new: griffe.Object) -> set[str]:
    """Return the changes of a field's type and default, which griffe does not compare."""
    if not isinstance(old, griffe.Attribute) or not isinstance(new, griffe.Attribute) or old.name == "__version__":
        return set()
    pairs = (("type", old.annotation, new.annotation), ("value", old.value, new.value))
    return {f"{name}: has the {what} {now} instead of {was}" for what, was, now in pairs if str(was) != str(now)}


def _details(breakage: griffe.Breakage) -> str:
    values = [getattr(value, "name", value) for value in (breakage.old_value, breakage.new_value) if value is not None]
    return f" ({' → '.join(map(str, values))})" if values and breakage.obj.name not in values else ""


def _public(package: griffe.Object | griffe.Alias) -> griffe.Object | griffe.Alias:
    """Mark the modules that only the package itself uses, and the names that `from … import … as …` exports."""
    _, modules = _PACKAGES[package.name]
    for name, member in package.members.items():
        if modules is not None and not member.is_alias and member.is_module and name not in modules:
            member.public = False
    if package.exports is None and isinstance(package, griffe.Module):
        own = [name for name, path in package.imports.items() if path.startswith(f"{package.name}.")]
        package.exports = [name for name in own if not name.startswith("_")]
    return package


def _objects(holder: griffe.Object | griffe.Alias, path: str) -> Iterator[tuple[str, griffe.Object]]:
    """Yield each public object within, with its path as a user writes it."""
    members = holder.all_members if holder.is_class else holder.members
    for name, member in members.items():
        # An imported name is public only if the module exports it.
        imported = member.is_alias and not holder.is_class and name not in map(str, holder.exports or ())
        if member.is_public and not imported:
            found = member.final_target if isinstance(member, griffe.Alias) else member
            yield f"{path}.{name}", found
            if found.is_class or found.is_module:
                yield from _objects(found, f"{path}.{name}")


def required_version(release: Version, *, broken: bool, added: bool) -> Version:
    """Return the lowest version that may be next. Before 1.0.0 the second number announces breaking changes."""
    major, minor, patch = (*release.release, 0, 0)[:3]
    if broken:
        return Version(f"{major + 1}.0.0" if major else f"0.{minor + 1}.0")
    if added and major:
        return Version(f"{major}.{minor + 1}.0")
    return Version(f"{major}.{minor}.{patch + 1}")


def present_version(root: Path) -> Version:
    """Return the version of the working tree."""
    text = (root / "sinch_reporting/version.py").read_text("utf-8")
    return Version(text.partition('__version__ = "')[2].split('"')[0])


def main(arguments: list[str] | None = None) -> int:
    """Print the changes; return 0 if the version announces them."""
    parser = argparse.ArgumentParser(prog="scripts/api-changes", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    root = parser.parse_args(arguments).root
    try:
        release = last_release(root)
    except UnknownReleaseError as error:
        print(f"api-changes: {error}", file=sys.stderr)
        return 1
    if release is None:
        print("no release yet: nothing to compare with")
        return 0
    broken, added = compare(root, release)
    lines = [*(f"breaking: {line}" for line in broken), *(f"new: {line}" for line in added)]
    print("\n".join([f"since {release}:", *(lines or ["the public API is the same"])]))
    required, present = required_version(release, broken=bool(broken), added=bool(added)), present_version(root)
    if lines and present < required:
        print(f"these changes need at least version {required}; sinch_reporting/version.py has {present}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
