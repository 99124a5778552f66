"""The pages of the documentation, block by block."""

from pathlib import Path

from attrs import frozen
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@frozen
class Block:
    """A fenced block: what stands behind its fence, what stands in it, and in which line of the page it begins."""

    kind: str
    text: str
    line: int

    @property
    def commands(self) -> list[str]:
        """What is typed, in a block that shows a terminal."""
        return [line.removeprefix("$ ") for line in self.text.splitlines() if line.startswith("$ ")]

    @property
    def shown(self) -> str:
        """What the terminal answers."""
        return "".join(f"{line}\n" for line in self.text.splitlines() if not line.startswith("$ "))


def tokens_of(page: Path) -> list[Token]:
    return MarkdownIt().parse(page.read_text("utf-8"))


def blocks_of(page: Path) -> list[Block]:
    fences = [token for token in tokens_of(page) if token.type == "fence"]
    return [Block(token.info.strip(), token.content, (token.map or [0])[0] + 1) for token in fences]
