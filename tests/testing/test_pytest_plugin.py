"""The pytest plugin, found by its entry point in separate runs of pytest."""

import json
import sys

import pytest

pytest_plugins = "pytester"

STRICT = ("-W", "error", "-p", "no:cacheprovider", "--strict-config", "--strict-markers")
SLOW_TO_START = ("-p", "no:schemathesis", "-p", "no:hypothesispytest")
LATE = ("uvicorn", "starlette", "sinch_reporting.testing._sandbox", "sinch_reporting.testing.faults")


@pytest.fixture
def run(pytester, monkeypatch):
    """Return a function that runs pytest on a test file in a new process."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.delenv("PYTEST_PLUGINS", raising=False)

    def run_file(source, *arguments, before=""):
        path = pytester.makepyfile(source)
        program = f"import sys; {before or 'pass'}\nimport pytest\nsys.exit(pytest.main(sys.argv[1:]))"
        return pytester.run(sys.executable, "-c", program, *STRICT, *SLOW_TO_START, *arguments, path)

    return run_file


def test_a_client_without_arguments_uses_the_sandbox_and_its_faults(run):
    result = run("""
        import pytest
        from sinch_reporting import NotFoundError, ReportingClient
        from sinch_reporting.testing import faults

        def test_it(sinch_sandbox):
            sinch_sandbox.set_counter("currentCalls", 7)
            sinch_sandbox.fail_next(None, faults.Status(404))
            with ReportingClient() as reporting:
                assert reporting.get_counter("currentCalls").value == 7
                with pytest.raises(NotFoundError):
                    reporting.get_counter("currentCalls")
            assert [request.status for request in sinch_sandbox.requests] == [200, 404]
    """)
    result.assert_outcomes(passed=1)


def test_each_test_has_its_own_sandbox_and_restores_the_environment(run):
    result = run("""
        import os
        import threading
        import urllib.request

        NAMES = ("SINCH_REPORTING_URL", "SINCH_APPLICATION_KEY", "SINCH_APPLICATION_SECRET")
        urls = []

        def test_before():
            assert not [name for name in NAMES if name in os.environ]

        def test_one(sinch_sandbox):
            sinch_sandbox.requests.append(None)
            url, key, secret = (os.environ[name] for name in NAMES)
            assert (url, key, secret) == (
                sinch_sandbox.url, sinch_sandbox.application_key, sinch_sandbox.application_secret
            )

        def test_other(sinch_sandbox):
            assert sinch_sandbox.requests == []

        def test_after():
            assert not [name for name in NAMES if name in os.environ]
            assert threading.active_count() == 1
    """)
    result.assert_outcomes(passed=4)


def test_the_fixture_is_listed_with_its_description(run):
    result = run("", "--fixtures")
    result.stdout.fnmatch_lines(["sinch_sandbox -- *", "*A local Sinch Reporting API, *"])


def test_a_run_that_does_not_use_the_fixture_loads_no_server(run):
    result = run(f"""
        import json
        import sys

        def test_it(capsys):
            with capsys.disabled():
                print("LOADED", json.dumps([name for name in {LATE} if name in sys.modules]), "END")
    """)
    result.assert_outcomes(passed=1)
    text = result.stdout.str()
    assert json.loads(text[text.index("LOADED") + 6 : text.index("END")]) == []


MISSING = "sys.modules.update(uvicorn=None, starlette=None)"


def test_pytest_runs_without_the_extra(run):
    result = run("def test_it(): pass", before=MISSING)
    result.assert_outcomes(passed=1)


def test_the_fixture_names_the_missing_extra(run):
    result = run("def test_it(sinch_sandbox): pass", before=MISSING)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*pip install 'sinch-reporting[[]testing[]]'*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_importing_the_sandbox_names_the_missing_extra(pytester):
    program = f"import sys; {MISSING}; from sinch_reporting.testing import Sandbox"
    result = pytester.run(sys.executable, "-c", program)
    assert result.ret == 1
    result.stderr.fnmatch_lines(["ModuleNotFoundError: *pip install 'sinch-reporting[[]testing[]]'"])


def test_the_plugin_can_be_disabled(run):
    result = run("def test_it(sinch_sandbox): pass", "-p", "no:sinch_reporting")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'sinch_sandbox' not found*"])


def test_the_package_has_no_other_names(pytester):
    result = pytester.run(sys.executable, "-c", "from sinch_reporting.testing import Sandbocks")
    result.stderr.fnmatch_lines(["ImportError: cannot import name 'Sandbocks' from 'sinch_reporting.testing'*"])
