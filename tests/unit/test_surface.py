import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest
import yaml

import sinch_reporting
from sinch_reporting import AsyncReportingClient, ReportingClient

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "sinch_reporting"
DOCUMENT = yaml.safe_load((ROOT / "openapi/reporting.yaml").read_text("utf-8"))
TWINS = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__"}


def snake_case(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


OPERATIONS = {snake_case(item["get"]["operationId"]) for item in DOCUMENT["paths"].values()}
# Those that need more than a call.
ITERATORS = {"iter_call_reports", "daily_call_reports", "watch_counter", "watch_service_status"}


def surface(kind):
    members = inspect.getmembers(kind, lambda member: callable(member) or isinstance(member, property))
    named = {TWINS.get(name, name): member for name, member in members}
    return {name: member for name, member in named.items() if name in TWINS.values() or not name.startswith("_")}


def parameters(function):
    found = inspect.signature(function).parameters.values()
    # The endpoints of an async client may come from an async iterable too.
    return [part.replace(annotation=None) if part.name == "endpoints" else part for part in found]


def public_names():
    """Return the names that the package re-exports, as `import x as x` does."""
    nodes = ast.parse((PACKAGE / "__init__.py").read_text("utf-8")).body
    return {alias.asname for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names} - {None}


def test_both_clients_have_a_method_for_each_operation_of_the_document():
    for kind in (ReportingClient, AsyncReportingClient):
        assert surface(kind).keys() == {*TWINS.values(), *OPERATIONS, *ITERATORS, "api", "with_options"}


def test_the_annotations_of_public_functions_can_be_evaluated():
    for kind in (ReportingClient, AsyncReportingClient):
        for function in (kind.__init__, *surface(kind).values()):
            assert get_type_hints(getattr(function, "fget", function))


def test_both_clients_have_the_same_parameters_and_docstrings():
    blocking, asynchronous = surface(ReportingClient), surface(AsyncReportingClient)
    assert ReportingClient.__doc__ == AsyncReportingClient.__doc__
    assert inspect.signature(ReportingClient) == inspect.signature(AsyncReportingClient)
    for name, member in blocking.items():
        twin = asynchronous[name]
        assert inspect.getdoc(member) == inspect.getdoc(twin), name
        if not isinstance(member, property):
            assert parameters(member) == parameters(twin), name
            assert inspect.iscoroutinefunction(twin) is (name not in {"with_options", *ITERATORS}), name


def test_every_public_name_is_documented():
    assert len(public_names()) > 25
    for name in public_names() - {"__version__"}:
        value = getattr(sinch_reporting, name)
        documented = inspect.getdoc(value) if isinstance(value, type) or inspect.isfunction(value) else True
        assert documented, name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Reporting'"):
        _ = sinch_reporting.Reporting


def test_one_module_uses_the_generated_functions():
    users = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            if any(f"{name}.".startswith("sinch_reporting_client.api.") for name in [module, *names]):
                users.add(path.name)
    assert users == {"_operations.py"}


# The import budget

# What `import httpx` loads too: its command, if its dependencies are installed.
OF_HTTPX = {"certifi", "click", "h11", "idna", "markdown_it", "mdurl", "pygments", "rich"}
ALLOWED = {
    *{"httpx", "attr", "attrs", "sinch_reporting", "sinch_reporting_client"},
    *{"anyio", "sniffio", "typing_extensions", "exceptiongroup"},  # the last three by anyio
}
MAX_OWN_MODULES = 41


def loaded_modules(program):
    program += "\nimport sys\nprint(*sys.modules)"
    ran = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def test_importing_the_client_loads_httpx_and_attrs_and_little_else():
    modules = loaded_modules("from sinch_reporting import ReportingClient")
    packages = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names
    of_httpx = {name.partition(".")[0] for name in loaded_modules("import httpx")}
    assert packages - of_httpx - {"__mp_main__"} <= ALLOWED
    assert not packages & {"httpcore", "trio", "dateutil", "pyarrow", "opentelemetry", "prometheus_client", "uvicorn"}
    assert "anyio._backends._asyncio" not in modules
    assert not [name for name in modules if re.match(r"sinch_reporting\.(cli|export|testing|metrics|tracing)\b", name)]
    own = [name for name in modules if name.startswith("sinch_reporting")]
    assert len(own) <= MAX_OWN_MODULES, sorted(own)
