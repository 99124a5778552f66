"""Makes sinch_reporting/client.py from sinch_reporting/async_client.py."""

import argparse
import subprocess
import sys
from pathlib import Path

from tokenize_rt import src_to_tokens, tokens_to_src

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path("sinch_reporting/async_client.py")
TARGET = Path("sinch_reporting/client.py")
# What has another name where nothing is awaited.
NAMES = {
    "AsyncRetryingClient": "RetryingClient",
    "AsyncBaseTransport": "BaseTransport",
    "AsyncGenerator": "Generator",
    "AsyncIterable": "Iterable",
    "AsyncReportingClient": "ReportingClient",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "aclose": "close",
    "async_outcomes": "outcomes",
    "asyncio": "sync",
    "asyncio_detailed": "sync_detailed",
    "default_async_transport": "default_transport",
    "set_async_httpx_client": "set_httpx_client",
}


def blocking(source: str) -> str:
    """Return the module without `async` and `await`, and with the other names; strings and comments as they are."""
    tokens = iter(src_to_tokens(source))
    made = []
    for token in tokens:
        if token.name == "NAME" and token.src in {"async", "await"}:
            next(tokens)  # the space after it
        elif token.name == "NAME":
            made.append(token._replace(src=NAMES.get(token.src, token.src)))
        else:
            made.append(token)
    # Two names may have become one: in an import, or in a union of types.
    tidied = _ruff("check", "--fix-only", "--select", "I,PYI016", given=tokens_to_src(made))
    return _ruff("format", given=tidied)


def _ruff(*arguments: str, given: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments, "--quiet", "--stdin-filename", str(ROOT / TARGET), "-"]
    return subprocess.run(command, input=given, stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout  # noqa: S603


def main(arguments: list[str] | None = None) -> int:
    """Make the blocking client, or with --check only compare; 0 where all is well."""
    parser = argparse.ArgumentParser(prog="scripts/unasync", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where what is checked in differs")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    made = blocking((options.root / SOURCE).read_text("utf-8"))
    if made == (options.root / TARGET).read_text("utf-8"):
        print(f"{TARGET} is up to date")
    elif options.check:
        print(f"{TARGET} is not what {SOURCE} makes: run scripts/unasync")
        return 1
    else:
        (options.root / TARGET).write_text(made, "utf-8")
        print(f"{TARGET} is made anew")
    return 0


if __name__ == "__main__":
    sys.exit(main())
