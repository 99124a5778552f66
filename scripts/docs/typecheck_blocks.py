"""Checks the types of the documentation's Python code with mypy --strict and pyright; scripts/typecheck-docs calls it.

Each block becomes a module in a temporary folder, after as many empty lines as the page has before it. So the checkers
find the line numbers of the page.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
PYRIGHT = ROOT / "tests/typing/node_modules/pyright/index.js"
EXCEPTIONS = {
    "adding-an-operation.md": "fragments of modules, which tests/docs/test_adding_an_operation.py applies and checks",
    "airflow_dag.py": "imports Airflow, which is too large to install",
}
"""Pages that are not checked, with the reason."""


def modules(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of a module for each Python block of a page or notebook."""
    if page.suffix == ".ipynb":
        cells = json.loads(page.read_text("utf-8"))["cells"]
        yield "notebook", "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code") + "\n"
        return
    if page.suffix == ".py":
        yield page.stem, page.read_text("utf-8")
        return
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        if token.type == "fence" and token.info.strip() == "python" and token.map:
            line = token.map[0] + 1
            named = re.match(r"# (\w+)\.py\n", token.content)  # other blocks of the page may import it
            yield named[1] if named else f"line_{line}", "\n" * line + token.content


def extract(pages: list[Path], folder: Path) -> dict[Path, Path]:
    """Write the modules of all pages, and return the page of each."""
    origins = {}
    for number, page in enumerate(pages):
        package = folder / f"page_{number}"
        package.mkdir()
        for name, text in modules(page):
            module = package / f"{name}.py"
            module.write_text(text, "utf-8")
            origins[module] = page
    return origins


def check(pages: list[Path]) -> list[str]:
    """Return the findings of both checkers, with the lines of the pages."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        origins = extract(pages, folder)
        with ThreadPoolExecutor() as threads:
            mypy = threads.submit(_mypy, folder)
            pyright = threads.submit(_pyright, folder)
            found = [*mypy.result(), *pyright.result()]
    # By the last two names: mypy's cache names the folder of an earlier run.
    by_name = {module.parts[-2:]: page for module, page in origins.items()}
    return [f"{_relative(by_name.get(path.parts[-2:], path))}:{line}: {message}" for path, line, message in found]


def _mypy(folder: Path) -> Iterator[tuple[Path, int, str]]:
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--no-error-summary",
        "--show-absolute-path",
        "--output",
        "json",
        str(folder),
    ]
    environment = os.environ | {"MYPYPATH": str(folder)}  # so that pages may have modules of the same name
    for line in _output(command, environment).splitlines():
        finding = json.loads(line)
        yield Path(finding["file"]), finding["line"], f"mypy: {finding['message']}"


def _pyright(folder: Path) -> Iterator[tuple[Path, int, str]]:
    settings = json.loads((ROOT / "tests/typing/pyrightconfig.json").read_text("utf-8"))
    paths = {
        "include": ["."],
        "extraPaths": [str(ROOT), str(ROOT / "generated_client")],
        "venvPath": str(ROOT),
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings | paths), "utf-8")
    command = ["node", str(PYRIGHT), "--outputjson", "--project", str(folder)]
    for finding in json.loads(_output(command, dict(os.environ)))["generalDiagnostics"]:
        line = finding["range"]["start"]["line"] + 1
        message = finding["message"].partition("\n")[0]
        yield Path(finding["file"]), line, f"pyright: {message} ({finding.get('rule')})"


def _output(command: list[str], environment: dict[str, str]) -> str:
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if ran.stderr:
        raise RuntimeError(ran.stdout + ran.stderr)
    return ran.stdout


def _relative(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def pages() -> list[Path]:
    """Return all pages, notebooks and example programs."""
    docs = ROOT / "docs"
    found = [*ROOT.glob("*.md"), *docs.glob("*.md"), *docs.glob("examples/*.ipynb"), *docs.glob("examples/*.py")]
    return sorted(path for path in found if path.name not in EXCEPTIONS)


def main() -> None:
    """Check all pages. Exits with 1 if there are findings."""
    found = check(pages())
    print("\n".join(found), end="\n" if found else "")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
