"""The pages of the documentation and their blocks."""

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import evolve, frozen
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
# Parts of modules: tests/docs/test_adding_an_operation.py applies them.
FRAGMENTS = {"adding-an-operation.md"}
PAGES = [path for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]) if path.name not in FRAGMENTS]


@frozen
class Block:
    """A block of a page, or a `pip install` in its text.

    Attributes:
        kind: The info string of its fence; "indented" without a fence.
        text: Its text.
        line: The line of the page on which it starts.
        output: The output of a Python block: the text block after it.
    """

    kind: str
    text: str
    line: int
    output: str = ""

    @property
    def commands(self) -> list[str]:
        """The commands of a terminal block."""
        return [line.removeprefix("$ ") for line in self.text.splitlines() if line.startswith("$ ")]

    @property
    def shown(self) -> str:
        """The output in a terminal block."""
        return "".join(f"{line}\n" for line in self.text.splitlines() if not line.startswith("$ "))

    @property
    def file(self) -> str | None:
        """The file to which the reader saves a Python block, named by its first line; None for a program of its own."""
        named = re.match(r"# (\w+\.py)\n", self.text) if self.kind == "python" else None
        return named[1] if named else None


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page, from top to bottom."""
    blocks: list[Block] = []
    for block in _parse(page):
        if block.kind == "text" and blocks and blocks[-1].kind == "python" and not blocks[-1].output:
            blocks[-1] = evolve(blocks[-1], output=block.text)
        else:
            blocks.append(block)
    return blocks


def _parse(page: Path) -> Iterator[Block]:
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
    """Return whether a text matches the output on a page.

    An ellipsis on the page matches any text within a line, or any number of lines if it is alone in its line.
    """
    lines = expected.splitlines(keepends=True)
    patterns = (r"(?:.*\n)*?" if line == "…\n" else ".*".join(map(re.escape, line.split("…"))) for line in lines)
    return re.fullmatch("".join(patterns), text) is not None
