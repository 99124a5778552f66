"""The report of an update, for a terminal, a pull request or an issue."""

from collections.abc import Mapping

from attrs import field, frozen

from scripts.openapi.diff import Change, Severity
from scripts.openapi.flatten import Element
from scripts.openapi.usages import Usages

FAILED, WITHDRAWN = 1, 30
_MAX_MARKDOWN = 60_000  # GitHub accepts 65,536 characters


@frozen
class ReportedChange:
    """A change, and the number of the overlay action that hides it, if any."""

    change: Change
    hidden_by: int | None = None


@frozen
class Report:
    """The result of an update.

    Attributes:
        version: The version that the publisher's document states.
        digest: The SHA-256 of the document's bytes.
        labels: The ids of the operations by their keys.
        usages: Where the hand-written package uses what has changed.
        changes: What has changed for a user.
        withdrawn: The operations that the document no longer has.
        problem: Why the update failed; empty if it did not.
        uncovered: The operations that the hand-written package has no method for.
        redundant: The overlay actions that the publisher has made redundant, as number and target.
        notes: What else a reviewer should know.
    """

    version: str = "unknown"
    digest: str = ""
    labels: Mapping[str, str] = field(factory=dict)
    usages: Usages | None = None
    changes: list[ReportedChange] = field(factory=list)
    withdrawn: list[str] = field(factory=list)
    problem: str = ""
    uncovered: list[str] = field(factory=list)
    redundant: dict[int, str] = field(factory=dict)
    notes: list[str] = field(factory=list)

    @property
    def severity(self) -> Severity:
        """The severity of the most severe change."""
        return max((each.change.severity for each in self.changes), default=Severity.COSMETIC)

    @property
    def status(self) -> int:
        """The exit status."""
        return FAILED if self.problem else WITHDRAWN if self.withdrawn else int(self.severity)

    @property
    def result(self) -> str:
        """The status in a word."""
        return "failed" if self.problem else "withdrawn" if self.withdrawn else str(self.severity)

    def as_text(self) -> str:
        """Return the report as lines for a terminal."""
        lines = [f"withdrawn: `{operation}`" for operation in self.withdrawn]
        lines += [f"{each.change.severity}: {self._sentence(each)}" for each in self.changes]
        lines += [f"without a method: `{name}`, available through .api" for name in self.uncovered]
        lines += [f"redundant: overlay action {number}, {target}" for number, target in self.redundant.items()]
        lines += [f"note: {note}" for note in self._notes()]
        lines += [f"most severe change: {self.severity}"] if self.problem and self.changes else []
        return "\n".join(lines) or "nothing changed for a user of the library"

    def as_markdown(self) -> str:
        """Return the report as the text of a pull request or an issue."""
        # The digest changes with any part of the publisher's document, and an issue should change only with ours.
        digest = "" if self.withdrawn or self.problem else f", SHA-256 `{self.digest}`"
        parts = [
            f"The publisher's document, version `{self.version}`{digest}. Result: **{self.result}**.",
            f"Most severe change for a user of the library: **{self.severity if self.changes else 'none'}**.",
            "What to do is described in `docs/openapi-updates.md`.",
        ]
        sections = {
            "Failure": [f"```text\n{self.problem.replace('`', chr(39))}\n```"] if self.problem else [],
            "Withdrawn operations": [f"- `{operation}`" for operation in self.withdrawn],
            **{str(each).capitalize(): self._of(each) for each in reversed(Severity)},
            "Operations without a method": [f"- `{name}`: available through `.api`" for name in self.uncovered],
            "Corrected by the publisher: these overlay actions can be dropped": [
                f"- action {number}: `{target}`" for number, target in self.redundant.items()
            ],
            "Notes": [f"- {note}" for note in self._notes()],
        }
        parts += ["\n".join([f"## {heading}", "", *lines]) for heading, lines in sections.items() if lines]
        return "\n\n".join(parts)[:_MAX_MARKDOWN] + "\n"

    def _of(self, severity: Severity) -> list[str]:
        return [f"- {self._sentence(each)}" for each in self.changes if each.change.severity is severity]

    def _notes(self) -> list[str]:
        notes = [*self.notes]
        if any(each.hidden_by for each in self.changes):
            notes.append(_HIDDEN)
        return [_WITHDRAWN, *notes] if self.withdrawn else notes

    def _sentence(self, each: ReportedChange) -> str:
        text = f"{subject(each.change.element, self.labels)} {each.change.text}"
        text += f", hidden by overlay action {each.hidden_by}" if each.hidden_by else ""
        operation = self.labels.get(each.change.element.operation, "")
        place = self.usages.place(each.change, operation) if self.usages else None
        return f"{text} ({place})" if place else text


_HIDDEN = (
    "compare each hidden change with what the server sends; if the server has changed, change or drop the overlay "
    "action, and if not, keep the action and state the difference in its description"
)
_WITHDRAWN = (
    "the document is otherwise valid, and nothing says that the server has dropped these operations. The tree is "
    "unchanged, and the client keeps calling them. `sinch-reporting doctor` shows whether the host still responds"
)


def subject(element: Element, labels: Mapping[str, str]) -> str:
    """Return what to call the element."""
    operation = f"`{labels.get(element.operation, element.operation)}`"
    name, _, place = element.name.rpartition(" in ")
    status, _, of_response = element.name.partition(" ")
    names = {
        "server": f"the server `{element.name}`",
        "operation": operation,
        "body": f"{operation}: the body",
        "error field": f"the field `{element.name}` of an error",
        "field": f"{operation}: the field `{of_response}` of the response {status}",
        "parameter": f"{operation}: the parameter `{name}` ({place})",
    }
    return names.get(element.kind, f"{operation}: the {element.kind} `{element.name}`")
