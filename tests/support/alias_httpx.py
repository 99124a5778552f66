"""A pytest plugin: `pytest -p tests.support.alias_httpx tests/unit` runs the tests with httpx2 in place of httpx."""

import httpx2

httpx2.alias_httpx()
