import ast
import inspect
from pathlib import Path

import pytest
import yaml

import sinch_reporting
from sinch_reporting import AsyncReportingClient, ReportingClient
from sinch_reporting._redaction import TEMPLATES

ROOT = Path(__file__).resolve().parents[2]
ITERATORS = {"iter_call_reports", "daily_call_reports", "watch_counter", "watch_service_status"}
TWINS = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__"}


def surface(kind):
    members = inspect.getmembers(kind, lambda member: callable(member) or isinstance(member, property))
    named = {TWINS.get(name, name): member for name, member in members}
    return {name: member for name, member in named.items() if name in TWINS.values() or not name.startswith("_")}


def parameters(function):
    found = inspect.signature(function).parameters.values()
    # Async, the endpoints of many reports may come from an async iterable too.
    return [part.replace(annotation=None) if part.name == "endpoints" else part for part in found]


def test_both_clients_have_the_same_names_parameters_and_docstrings():
    blocking, asynchronous = surface(ReportingClient), surface(AsyncReportingClient)
    reports = {"get_call_report", "get_counter", "get_service_status"} | ITERATORS
    assert blocking.keys() == asynchronous.keys() == {*TWINS.values(), *reports, "api", "with_options"}
    assert ReportingClient.__doc__ == AsyncReportingClient.__doc__
    assert inspect.signature(ReportingClient) == inspect.signature(AsyncReportingClient)
    for name, member in blocking.items():
        twin = asynchronous[name]
        assert inspect.getdoc(member) == inspect.getdoc(twin), name
        if not isinstance(member, property):
            assert parameters(member) == parameters(twin), name
            assert inspect.iscoroutinefunction(twin) or name in {"with_options", *ITERATORS}, name


def test_a_name_that_is_none_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Reporting'"):
        _ = sinch_reporting.Reporting


def test_every_public_name_says_what_it_is():
    for name in sinch_reporting.__all__:
        value = getattr(sinch_reporting, name)
        assert name in {"__version__", "Endpoint"} or inspect.getdoc(value), name


def test_the_routes_that_logs_speak_of_are_those_of_the_document():
    document = yaml.safe_load((ROOT / "openapi/reporting.yaml").read_text("utf-8"))
    assert set(TEMPLATES) == set(document["paths"])


def test_only_the_clients_call_the_generated_client():
    callers = set()
    for path in (ROOT / "sinch_reporting").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            if module.startswith("sinch_reporting_client.api") or "sinch_reporting_client.api" in names:
                callers.add(path.name)
    assert callers == {"async_client.py", "client.py"}
