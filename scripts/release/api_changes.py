"""Tells what of our own public API has changed since the last release, and whether the version says so.

Public is what `__all__` of `sinch_reporting` names, its modules `testing`, `export`, `metrics` and `tracing`, and the
generated client.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import griffe
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parents[2]
# Each package with the folder that it is in.
_PACKAGES = {"sinch_reporting": ".", "sinch_reporting_client": "generated_client"}
# Of the facade's modules only these are public, beside what its `__all__` names.
_MODULES = {"sinch_reporting": {"testing", "export", "metrics", "tracing"}}


class UnknownReleaseError(Exception):
    """The releases cannot be told."""


def last_release(root: Path) -> Version | None:
    """Return the highest version among the tags; None before the first release."""
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


def compared(root: Path, release: Version) -> list[tuple[griffe.Object, griffe.Object]]:
    """Return each package as it was released and as it is."""
    return [(_released(root, release, package), _present(root, package)) for package in _PACKAGES]


def breaking(packages: Iterable[tuple[griffe.Object, griffe.Object]]) -> list[str]:
    """Return a line for each public name that is gone or is used otherwise than in the release."""
    found: set[str] = set()
    for before, after in packages:
        found |= {f"{before.name}.{name}: is exported no more" for name in _exported(before) - _exported(after)}
        for breakage in griffe.find_breaking_changes(before, after):
            if breakage.obj.name != "__version__":
                found.add(f"{breakage.obj.path}: {breakage.kind.value}{_details(breakage)}")
        found.update(_changed_fields(before, after))
    return sorted(found)


def _changed_fields(before: griffe.Object, after: griffe.Object) -> Iterator[str]:
    """Yield the fields of another type or default, which griffe leaves to others."""
    present = dict(_objects(after, after.name))
    for path, old in _objects(before, before.name):
        new = present.get(path)
        if isinstance(old, griffe.Attribute) and isinstance(new, griffe.Attribute) and old.name != "__version__":
            if str(old.annotation) != str(new.annotation):
                yield f"{path}: has the type {new.annotation}, in place of {old.annotation}"
            if str(old.value) != str(new.value):
                yield f"{path}: is {new.value}, in place of {old.value}"


def _exported(package: griffe.Object | griffe.Alias) -> set[str]:
    return {str(name) for name in package.exports or ()}


def additions(packages: Iterable[tuple[griffe.Object, griffe.Object]]) -> list[str]:
    """Return each public name that the release lacks; of what is new as a whole, not its parts."""
    found: set[str] = set()
    for before, after in packages:
        new = dict(_objects(after, after.name)).keys() - dict(_objects(before, before.name)).keys()
        found |= {name for name in new if name.rpartition(".")[0] not in new}
    return sorted(found)


def _details(breakage: griffe.Breakage) -> str:
    values = [getattr(value, "name", value) for value in (breakage.old_value, breakage.new_value) if value is not None]
    return f" ({' → '.join(map(str, values))})" if values and breakage.obj.name not in values else ""


def _released(root: Path, release: Version, package: str) -> griffe.Object:
    return _public(
        griffe.load_git(
            package,
            ref=f"v{release}",
            repo=root,
            search_paths=[_PACKAGES[package]],
            resolve_aliases=True,
            resolve_external=False,
            allow_inspection=False,
        )
    )


def _present(root: Path, package: str) -> griffe.Object:
    paths = [root / _PACKAGES[package]]
    return _public(
        griffe.load(
            package,
            search_paths=paths,
            try_relative_path=False,  # in the present folder
            resolve_aliases=True,
            resolve_external=False,
            allow_inspection=False,
        )
    )


def _public(package: griffe.Object | griffe.Alias) -> griffe.Object:
    """Mark the modules that only the package itself uses."""
    if not isinstance(package, griffe.Module):
        raise TypeError("a package is a module")
    for name, member in package.members.items():
        if not member.is_alias and member.is_module and package.name in _MODULES and name not in _MODULES[package.name]:
            member.public = False
    return package


def _objects(holder: griffe.Object | griffe.Alias, path: str) -> Iterator[tuple[str, griffe.Object]]:
    """Yield each public object within, with its path as a user writes it."""
    members = holder.all_members if holder.is_class else holder.members
    for name, member in members.items():
        # What a module imports is its own affair, unless it exports it.
        imported = member.is_alias and not holder.is_class and name not in _exported(holder)
        if member.is_public and not imported:
            found = member.final_target if isinstance(member, griffe.Alias) else member
            yield f"{path}.{name}", found
            if found.is_class or found.is_module:
                yield from _objects(found, f"{path}.{name}")


def wanted(release: Version, *, broken: bool, added: bool) -> Version:
    """Return the lowest version that may be next. Before 1.0.0 the second number tells of what breaks."""
    major, minor, patch = (*release.release, 0, 0)[:3]
    if broken:
        return Version(f"{major + 1}.0.0" if major else f"0.{minor + 1}.0")
    if added and major:
        return Version(f"{major}.{minor + 1}.0")
    return Version(f"{major}.{minor}.{patch + 1}")


def present_version(root: Path) -> Version:
    """Return the version from the one place that has it."""
    return Version(
        (root / "sinch_reporting/version.py").read_text("utf-8").partition('__version__ = "')[2].split('"')[0]
    )


def main(arguments: list[str] | None = None) -> int:
    """Tell, and return 0 where the version is high enough for what has changed."""
    parser = argparse.ArgumentParser(prog="scripts/api-changes", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    root = parser.parse_args(arguments).root
    try:
        release = last_release(root)
    except UnknownReleaseError as error:
        print(f"api-changes: {error}", file=sys.stderr)
        return 1
    if release is None:
        print("no release yet: there is nothing to compare with")
        return 0
    packages = compared(root, release)
    broken, added = breaking(packages), additions(packages)
    print(
        "\n".join([f"since {release}:", *(f"breaking: {line}" for line in broken), *(f"new: {line}" for line in added)])
    )
    if not broken and not added:
        print("the public API is the same")
        return 0
    next_version, present = wanted(release, broken=bool(broken), added=bool(added)), present_version(root)
    if present < next_version:
        print(f"that asks for version {next_version} at least; sinch_reporting/version.py says {present}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
