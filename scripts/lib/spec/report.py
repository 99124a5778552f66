"""The report of an update, for a terminal and for a pull request."""

from attrs import frozen

from scripts.lib.spec.changes import Change, Severity
from scripts.lib.spec.facts import Fact

_HEADINGS = {
    Severity.BREAKING: "Breaking",
    Severity.ADDITIVE: "Additive",
    Severity.COSMETIC: "Cosmetic",
}


@frozen
class Placed:
    """A change, and the line of the facade that it touches, if that is known."""

    change: Change
    place: str | None


@frozen
class Report:
    """What an update brings.

    Attributes:
        version: The version of the publisher's document.
        digest: The SHA-256 of its bytes.
        placed: What has changed for a user.
        missing: The operations that the facade has no method for.
        superfluous: The overlay's actions that the publisher has made superfluous, as number and target.
        notes: What else a reviewer should know.
    """

    version: str
    digest: str
    placed: list[Placed]
    missing: list[str]
    superfluous: dict[int, str]
    notes: list[str]

    @property
    def severity(self) -> Severity:
        """That of the gravest change."""
        return max((each.change.severity for each in self.placed), default=Severity.COSMETIC)


def subject(fact: Fact) -> str:
    """Return what to call it."""
    named = {
        "server": f"the server `{fact.name}`",
        "operation": f"`{fact.operation}`",
        "body": f"`{fact.operation}`: the body",
        "error field": f"the field `{fact.name}` of an error",
    }
    return named.get(fact.kind) or f"`{fact.operation}`: the {_spoken(fact)}"


def _spoken(fact: Fact) -> str:
    if fact.kind == "field":
        status, _, name = fact.name.partition(" ")
        return f"field `{name}` of the answer {status}"
    if fact.kind == "parameter":
        name, _, place = fact.name.rpartition(" in ")
        return f"parameter `{name}` ({place})"
    return f"{fact.kind} `{fact.name}`"


def as_text(report: Report) -> str:
    """Return the report as lines for a terminal."""
    lines = [
        f"{each.change.severity}: {_sentence(each)}" + (f" ({each.place})" if each.place else "")
        for each in report.placed
    ]
    lines += [f"missing from the facade: `{name}`, reachable through .api" for name in report.missing]
    lines += [f"superfluous: overlay action {number}, {target}" for number, target in report.superfluous.items()]
    lines += [f"note: {note}" for note in report.notes]
    return "\n".join(lines) or "nothing changed for a user of the library"


def as_markdown(report: Report) -> str:
    """Return the report as the text of a pull request."""
    severity = report.severity if report.placed else "none"
    parts = [
        f"The publisher's document has changed: version `{report.version}`, SHA-256 `{report.digest}`.",
        f"Gravest change for a user of the library: **{severity}**.",
    ]
    for severity, heading in _HEADINGS.items():
        lines = [
            f"- {_sentence(each)}" + (f" — `{each.place}`" if each.place else "")
            for each in report.placed
            if each.change.severity is severity
        ]
        parts += _section(heading, lines)
    parts += _section(
        "Missing from the facade",
        [f"- `{name}`: reachable through `.api` until it has a method" for name in report.missing],
    )
    parts += _section(
        "Corrected upstream: these overlay actions can go",
        [f"- action {number}: `{target}`" for number, target in report.superfluous.items()],
    )
    parts += _section("Notes", [f"- {note}" for note in report.notes])
    return "\n\n".join(parts) + "\n"


def _sentence(each: Placed) -> str:
    return f"{subject(each.change.fact)} {each.change.text}"


def _section(heading: str, lines: list[str]) -> list[str]:
    return [f"## {heading}", "\n".join(lines)] if lines else []
