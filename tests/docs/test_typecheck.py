import json

from scripts.docs import typecheck_blocks

PAGE = """\
# A page

```python
from sinch_reporting import ReportingClient

with ReportingClient() as reporting:
    count: str = reporting.get_counter("currentCalls").value
```

```python
# program.py
print()


def f(x):
    return x
```

```text
count: str = 1
```
"""


def test_both_checkers_name_the_lines_of_the_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE, "utf-8")
    notebook = tmp_path / "notebook.ipynb"
    cells = [{"cell_type": "markdown", "source": ["text"]}, {"cell_type": "code", "source": ["a = 1\n", "b: str = a"]}]
    notebook.write_text(json.dumps({"cells": cells}), "utf-8")
    found = {tuple(finding.split(": ")[:2]) for finding in typecheck_blocks.check([page, notebook])}
    assert found == {(f"{page}:{line}", checker) for line in (7, 15) for checker in ("mypy", "pyright")} | {
        (f"{notebook}:2", checker) for checker in ("mypy", "pyright")
    }


def test_all_pages_and_examples_are_checked():
    names = {path.name for path in typecheck_blocks.pages()}
    assert {"README.md", "SECURITY.md", "tutorial.md", "web.py", "export.ipynb"} <= names
