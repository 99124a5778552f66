"""Checks prose for words and constructions that plain English avoids; scripts/words calls it.

Prose is Markdown outside of code, and in Python and shell files the string literals and comments.
"""

import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]

WORDS = {
    r"answer\w*": "a server sends a response",
    r"anew": "again, or with a fresh …",
    r"for\s+ever": "forever",
    r"mend(s|ed|ing)?": "fix, correct",
    r"in\s+vain": "say what fails",
    r"is\s+no\b(?!\s+longer)": "is not a …",
    r"(?-i:is\s+none)": "there is no …, is not a …",
    r"where\s+(it|there|no|none|a|an|one|that|its)": "if, when",
    r"so\s+many": "the number, or the noun",
    r"told": "unless set, is passed",
    r"tells\s+of": "describes, reports",
    r"handed\s+out": "yielded, returned, passed",
    r"beneath": "underlying, below",
    r"set\s+aside": "rejected",
    r"whoever": "anyone who",
    r"by\s+the\s+book": "as documented",
    r"meanwhile": "during",
}
"""A pattern of each word that is refused, and what to write instead."""

EXCEPTIONS = {
    r"answer-seizure ratio": "the field's name of `asr`",
    r"answered calls|calls (that )?(are|were|was|is) (not )?answered|answered by": "telephone calls are answered",
    r"% answered|\d answered|not answered": "telephone calls are answered",
    r"^ *answered *$": "a label for telephone calls",
    r"there\s+(is|was)\s+(no|none)": "plain English for a thing that does not exist, unlike 'it is no …'",
    r"told\s+apart": "distinguished",
    r"where it is (defined|needed|used)": "a place",
}
"""Phrases that are allowed although they contain a word, with the reason."""

_WORDS = re.compile("|".join(rf"\b(?:{word})\b" for word in WORDS), re.IGNORECASE)
_EXCEPTIONS = re.compile("|".join(EXCEPTIONS), re.IGNORECASE | re.MULTILINE)
_CODE = "\0"  # replaces code, so that words on both sides of it are not neighbours


def findings(text: str, suffix: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line, the word and the remedy for each refused word in a file with this suffix."""
    prose = {".md": _markdown, ".py": _python}.get(suffix, _shell)(text)
    prose = _EXCEPTIONS.sub(lambda match: re.sub(r"\S", _CODE, match[0]), prose)
    for match in _WORDS.finditer(prose):
        word = " ".join(match[0].split())
        remedy = next(remedy for pattern, remedy in WORDS.items() if re.fullmatch(pattern, match[0], re.IGNORECASE))
        yield prose.count("\n", 0, match.start()) + 1, word, remedy


def _blank(text: str) -> str:
    return re.sub(r"\S", _CODE, text)


def _markdown(text: str) -> str:
    lines = text.splitlines(keepends=True)
    for token in MarkdownIt().parse(text):
        if token.type in {"fence", "code_block", "html_block"} and token.map:
            start, stop = token.map
            lines[start:stop] = [_blank(line) for line in lines[start:stop]]
    return re.sub(r"`[^`]+`|\]\([^)]*\)", lambda match: _blank(match[0]), "".join(lines))


def _shell(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(
        line.replace("#", " ") if line.lstrip().startswith("#") and not line.startswith("#!") else _blank(line)
        for line in lines
    )


def _python(text: str) -> str:
    """Blank all but comments and strings. Adjacent ones stay neighbours, since sentences are wrapped there."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    prose, done = [], 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if tokenize.tok_name[token.type] not in {"STRING", "FSTRING_MIDDLE", "COMMENT"}:
            continue
        start, stop = (starts[row - 1] + column for row, column in (token.start, token.end))
        prose += [_blank(text[done:start]), _literal(text[start:stop])]
        done = stop
    return "".join([*prose, _blank(text[done:])])


def _literal(text: str) -> str:
    if text.startswith("#"):
        return text.replace("#", " ")
    # Code in a docstring, and the expressions of an f-string.
    text = re.sub(r"`[^`\n]+`|\{[^{}\n]*\}", lambda match: _blank(match[0]), text)
    return re.sub(r"^\w*(?:'''|\"\"\"|'|\")|(?:'''|\"\"\"|'|\")$", lambda match: " " * len(match[0]), text)


def _files() -> Iterator[Path]:
    """Yield the tracked and new files with prose for people."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()  # noqa: S603
    for name in names:
        path = ROOT / name
        folder = name.partition("/")[0]
        is_code = folder in {"sinch_reporting", "scripts", "docs", "benchmarks"} and path.suffix in {".py", ".sh", ""}
        # The list of words itself contains them.
        if path.is_file() and (path.suffix == ".md" or is_code) and path != Path(__file__):
            yield path


def main() -> None:
    """Check all files. Exits with 1 if there are findings."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: '{word}': {remedy}"
        for path in _files()
        for line, word, remedy in findings(path.read_text("utf-8"), path.suffix)
    ]
    print("\n".join(found), end="\n" if found else "")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
