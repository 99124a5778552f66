"""Writes the pictures of the documentation: the output of the command, and the plot of the notebook."""

import json
import math
import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from unittest import mock

from rich.console import Console, Group, RenderableType
from rich.terminal_theme import MONOKAI
from rich.text import Text

from sinch_reporting.cli.counter import row
from sinch_reporting.cli.live import LiveView
from sinch_reporting.models import Counter
from sinch_reporting.testing import Sandbox
from sinch_reporting.watch import Poll

DOCS = Path(__file__).resolve().parents[2] / "docs"
PICTURES = DOCS / "pictures"
WIDTH = 76  # as narrow as a table of reports can be: what is drawn can be read on a phone
REPORT = (
    "report +46730170101 +46730170102 --start 2026-11-01 --stop 2026-11-20",
    "service rtpproxy",
    "counter no-such-counter",
)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

# rich's own without its fonts, which it would have the browser load from elsewhere.
SVG = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def pictures() -> dict[str, str]:
    """Return the text of each picture by its name."""
    return {
        "report.svg": _terminal(_commands(*REPORT), "report"),
        "doctor.svg": _terminal(_commands("doctor"), "doctor"),
        "watch.svg": _terminal(_watching(), "watch"),
        "notebook.svg": _plot(),
    }


def _terminal(shown: Iterator[RenderableType], name: str) -> str:
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Group(*shown))
    drawn = console.export_svg(title="", theme=MONOKAI, code_format=SVG, unique_id=name)
    return "".join(f"{line.rstrip()}\n" for line in drawn.splitlines())


def _commands(*commands: str) -> Iterator[RenderableType]:
    with Sandbox() as sandbox:
        account = {
            "SINCH_REPORTING_URL": sandbox.url,
            "SINCH_APPLICATION_KEY": sandbox.application_key,
            "SINCH_APPLICATION_SECRET": sandbox.application_secret,
        }
        for command in commands:
            yield _typed(command)
            yield Text.from_ansi(_normalize(_on_a_terminal(command.split(), account)))


def _on_a_terminal(arguments: list[str], account: dict[str, str]) -> str:
    ours, theirs = pty.openpty()
    settings = {"TERM": "xterm-256color", "COLUMNS": str(WIDTH), "LINES": "40", "NO_PROXY": "*"}
    command = [f"{sys.exec_prefix}/bin/sinch-reporting", *arguments]
    environment = {"PATH": os.environ["PATH"], **settings, **account}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)  # noqa: S603 - ours
    os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 65536):
            written += piece
    except OSError:
        pass  # how a terminal ends
    os.close(ours)
    process.wait()
    return written.decode().replace("\r\n", "\n").rstrip("\n")


def _normalize(text: str) -> str:
    """Return the text with fixed values for what differs from run to run."""
    return re.sub(r"(reference )[^\]]+", r"\g<1>5d1f8a", re.sub(r"(127\.0\.0\.1:)\d+", r"\g<1>40123", text))


def _watching() -> Iterator[RenderableType]:
    yield _typed("counter currentCalls --watch")
    console = Console(width=WIDTH, file=StringIO(), force_terminal=True)
    moment = NOON
    view = LiveView[Counter](console, row, lambda found: found.value, (), now=lambda: moment)
    for minutes in range(-360, 1, 2):
        moment = NOON + timedelta(minutes=minutes)
        value = round(560 + 420 * math.sin(minutes / 90) + 40 * math.sin(minutes / 7))
        view.show(Poll(Counter(id="currentCalls", value=value, modified=moment), None, changed=True, wait=120))
    with console.capture() as captured:
        console.print(view.render())
    text = Text.from_ansi(captured.get())
    # A slightly different colour: in fonts with wider Braille, the browser then fits these characters by themselves.
    text.highlight_regex("[\u2800-\u28ff]+", "#d9d9d8")
    yield text


def _typed(command: str) -> Text:
    return Text.assemble(("$ ", "bold green"), f"sinch-reporting {command}")


def _plot() -> str:
    # It takes a second to load.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib import pyplot as plt  # noqa: PLC0415

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "notebook"
    mpl.rcParams["svg.fonttype"] = "none"
    notebook = json.loads((DOCS / "examples/export.ipynb").read_text("utf-8"))
    variables: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder, chdir(folder), mock.patch("sys.stdout", StringIO()):
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), variables)  # noqa: S102 - ours
    drawn = BytesIO()
    plt.gcf().savefig(drawn, format="svg", metadata={"Date": None})
    plt.close("all")
    return "".join(f"{line.rstrip()}\n" for line in drawn.getvalue().decode().splitlines())


def main() -> None:
    """Write them all."""
    PICTURES.mkdir(exist_ok=True)
    for name, text in pictures().items():
        (PICTURES / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
