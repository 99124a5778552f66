"""Generates each blocking module from its async source: `client.py` from `async_client.py`, and so on."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from tokenize_rt import src_to_tokens, tokens_to_src

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [
    Path("sinch_reporting/_async_call.py"),
    Path("sinch_reporting/_http/async_transport.py"),
    Path("sinch_reporting/async_client.py"),
]
# Names that do not just lose a prefix `async_` or `Async`.
NAMES = {
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "aclose": "close",
    "aclosing": "closing",
    "aiter_stream": "iter_stream",
    "anext": "next",
    "aread": "read",
    "asend": "send",
    "async_auth_flow": "sync_auth_flow",
    "handle_async_request": "handle_request",
}


def target_of(source: Path) -> Path:
    """Return the blocking module of an async one."""
    return source.with_name(source.name.replace("async_", ""))


def to_sync(source: str) -> str:
    """Return a module without `async` and `await`, with the blocking names. Strings and comments stay as they are."""
    tokens = iter(src_to_tokens(source))
    made = []
    for token in tokens:
        if token.name == "NAME" and token.src in {"async", "await"}:
            next(tokens)  # the space after it
        elif token.name == "NAME":
            made.append(token._replace(src=NAMES.get(token.src, re.sub(r"^(_?)(async_|Async)", r"\1", token.src))))
        else:
            made.append(token)
    # Two names may have become one: in an import, or in a union of types.
    tidied = _ruff("check", "--fix-only", "--select", "I,PYI016", text=tokens_to_src(made))
    return _ruff("format", text=tidied)


def _ruff(*arguments: str, text: str) -> str:
    name = str(ROOT / target_of(SOURCES[0]))
    command = [sys.executable, "-m", "ruff", *arguments, "--quiet", "--stdin-filename", name, "-"]
    return subprocess.run(command, input=text, stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout  # noqa: S603


def main(arguments: list[str] | None = None) -> int:
    """Generate the blocking modules, or with --check only compare them. Return 0 if all are up to date."""
    parser = argparse.ArgumentParser(prog="scripts/unasync", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a module is not up to date")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    outdated = 0
    for source in SOURCES:
        target = options.root / target_of(source)
        header = f"# Generated from {source.name} by scripts/unasync. Do not edit.\n"
        made = header + to_sync((options.root / source).read_text("utf-8"))
        if target.exists() and made == target.read_text("utf-8"):
            continue
        outdated += 1
        if not options.check:
            target.write_text(made, "utf-8")
        print(f"{target_of(source)}: {'not up to date; run scripts/unasync' if options.check else 'generated'}")
    return 1 if options.check and outdated else 0


if __name__ == "__main__":
    sys.exit(main())
