"""The pages of the documentation, block by block."""

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import evolve, frozen
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
# CONTRIBUTING.md is followed by tests/project/test_worked_example.py.
PAGES = [*(ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md")), *sorted((ROOT / "docs").glob("*.md"))]


@frozen
class Block:
    """A block of a page, or a `pip install` in its text.

    Attributes:
        kind: What stands behind its fence; "indented" where it has none.
        text: What stands in it.
        line: The line of the page in which it begins.
        output: What a Python block prints: the text block behind it.
    """

    kind: str
    text: str
    line: int
    output: str = ""

    @property
    def commands(self) -> list[str]:
        """What is typed, in a block that shows a terminal."""
        return [line.removeprefix("$ ") for line in self.text.splitlines() if line.startswith("$ ")]

    @property
    def shown(self) -> str:
        """What the terminal answers."""
        return "".join(f"{line}\n" for line in self.text.splitlines() if not line.startswith("$ "))


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page, from top to bottom."""
    blocks: list[Block] = []
    for block in _found_in(page):
        if block.kind == "text" and blocks and blocks[-1].kind == "python" and not blocks[-1].output:
            blocks[-1] = evolve(blocks[-1], output=block.text)
        else:
            blocks.append(block)
    return blocks


def _found_in(page: Path) -> Iterator[Block]:
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "fence":
            yield Block(token.info.strip(), token.content, line)
        elif token.type == "code_block":
            yield Block("indented", token.content, line)
        elif token.type == "inline":
            for part in token.children or []:
                if part.type == "code_inline" and part.content.startswith("pip install "):
                    yield Block("console", f"$ {part.content}\n", line)


def is_shown(text: str, expected: str) -> bool:
    """Return whether the text is what a page says.

    An ellipsis there stands for what differs each time: within a line, or alone in one for any number of lines.
    """
    lines = expected.splitlines(keepends=True)
    patterns = (r"(?:.*\n)*?" if line == "…\n" else ".*".join(map(re.escape, line.split("…"))) for line in lines)
    return re.fullmatch("".join(patterns), text) is not None
