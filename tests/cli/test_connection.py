import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from sinch_reporting.cli import exit_codes
from sinch_reporting.testing import faults
from tests.support.callers import KEY, SECRET
from tests.support.terminal import Terminal


class MemoryKeyring(KeyringBackend):
    """A keyring in memory; locked if it holds None."""

    priority = 1

    def __init__(self, held):
        super().__init__()
        self.held = held

    def get_password(self, service, username):
        if self.held is None:
            raise KeyringLocked("it is locked")
        return self.held.get((service, username))

    def set_password(self, service, username, password):
        self.held[service, username] = password


@pytest.fixture
def use_keyring():
    before = keyring.get_keyring()
    yield lambda held: keyring.set_keyring(MemoryKeyring(held))
    keyring.set_keyring(before)


@pytest.fixture
def call(run):
    """Return a function that requests a counter with options."""
    return lambda *options: run("counter", "currentCalls", *options)


def test_without_credentials_the_message_says_how_to_set_them_and_offers_the_sandbox(call):
    ran = call()
    assert ran.code == exit_codes.USAGE_ERROR
    for expected in ("dashboard", "export SINCH_APPLICATION_KEY=", "--credentials FILE", "--keyring", "--sandbox"):
        assert expected in ran.err


def test_the_built_in_sandbox_needs_nothing(call):
    assert call("--sandbox").code == exit_codes.OK


def test_the_built_in_sandbox_excludes_another_server(call):
    ran = call("--sandbox", "--base-url", "https://reporting.example")
    assert ran.code == exit_codes.USAGE_ERROR
    assert "--sandbox has its own URL and credentials" in ran.err


def test_option_takes_precedence_over_file_over_environment(call, sandbox, tmp_path, monkeypatch):
    file = tmp_path / "credentials"
    lines = [f"SINCH_REPORTING_URL={sandbox.url}", f"SINCH_APPLICATION_KEY={KEY}", f"SINCH_APPLICATION_SECRET={SECRET}"]
    file.write_text("\n".join(lines), "utf-8-sig")
    monkeypatch.setenv("SINCH_APPLICATION_KEY", "another")
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", "c2VjcmV0")
    monkeypatch.setenv("SINCH_REPORTING_URL", "https://environment.example")
    assert call("--credentials", str(file)).code == exit_codes.OK
    lines[0] = "SINCH_REPORTING_URL=https://file.example"
    file.write_text("\n".join(lines), "utf-8")
    assert call("--credentials", str(file), "--base-url", sandbox.url).code == exit_codes.OK


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"SINCH_APPLICATION_KEY=x", "does not contain SINCH_APPLICATION_SECRET"),
        (b"SINCH_APPLICATION_KEY=x SINCH_APPLICATION_SECRET=hidden", "line 1 of the credentials file"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (None, "No such file or directory; correct --credentials"),
    ],
)
def test_an_invalid_file_is_reported_without_its_content(call, tmp_path, content, message):
    file = tmp_path / "credentials"
    if content is not None:
        file.write_bytes(content)
    ran = call("--credentials", str(file))
    assert ran.code == exit_codes.USAGE_ERROR
    assert message in ran.err
    assert "hidden" not in ran.err


def test_a_keyring_holds_the_values_under_the_names_of_the_variables(call, sandbox, use_keyring):
    values = {"KEY": KEY, "SECRET": SECRET}
    use_keyring({("sinch-reporting", f"SINCH_APPLICATION_{name}"): value for name, value in values.items()})
    assert call("--keyring", "--base-url", sandbox.url).code == exit_codes.OK


def test_an_empty_or_locked_keyring_is_reported(call, use_keyring):
    use_keyring({})
    assert "does not contain SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET" in call("--keyring").err
    use_keyring(None)
    assert "KeyringLocked" in call("--keyring").err


def test_two_sources_of_credentials_exclude_each_other(call, tmp_path):
    assert call("--keyring", "--credentials", str(tmp_path / "none")).code == exit_codes.USAGE_ERROR


def test_an_invalid_secret_is_reported_without_its_text(call, monkeypatch):
    monkeypatch.setenv("SINCH_APPLICATION_KEY", KEY)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", "not Base64!")
    ran = call()
    assert ran.code == exit_codes.USAGE_ERROR
    assert "Base64" in ran.err
    assert "not Base64!" not in ran.err


def test_an_empty_option_is_not_replaced_by_the_environment(call, sandbox_env):
    ran = call("--base-url", "")
    assert (ran.code, sandbox_env.requests) == (exit_codes.USAGE_ERROR, [])
    assert "correct --base-url" in ran.err


def test_http_to_another_machine_needs_an_option(call, sandbox_env):
    ran = call("--base-url", "http://mock.example:8080/v1")
    assert ran.code == exit_codes.USAGE_ERROR
    assert "add --allow-http" in ran.err


@pytest.mark.parametrize(("retries", "requests"), [("0", 1), ("2", 3)])
def test_retries_count_the_repetitions(call, sandbox_env, retries, requests):
    sandbox_env.fail_always(faults.Status(503, retry_after=0))
    assert call("--retries", retries).code == exit_codes.FAILED
    assert len(sandbox_env.requests) == requests


def test_the_limits_of_a_call_are_options(call, sandbox_env):
    sandbox_env.fail_always(faults.NoResponse())
    assert "timed out" in call("--timeout", "0.1s", "--retries", "0").err
    assert "0.2 s" in call("--deadline", "0.2").err
    sandbox_env.fail_always(faults.Status(429, retry_after=1))
    assert "429" in call("--max-retry-after", "0.5s").err


def test_a_gateway_that_rewrites_paths_needs_the_prefix_that_is_signed(call, sandbox_env):
    assert call("--signing-path-prefix", "/v2").code == exit_codes.FAILED
    assert call("--signing-path-prefix", "/v1").code == exit_codes.OK


def test_verbose_prints_attempts_and_waits(call, sandbox_env):
    sandbox_env.fail_next(faults.Status(503, retry_after=0))
    ran = call("-v")
    assert ran.code == exit_codes.OK
    first, wait, second = ran.err.splitlines()
    assert first.startswith("GET /counters/{id} attempt 1: 503 in 0.")
    assert wait == "waited 0.0 s"
    assert second.startswith("GET /counters/{id} attempt 2: 200 in 0.")


def test_a_terminal_shows_after_two_seconds_that_a_call_is_retried(sandbox_env):
    sandbox_env.fail_always(faults.Status(503, retry_after=3))
    terminal = Terminal("counter", "currentCalls")
    terminal.wait_for("attempt 1 failed (503); retrying")
    sandbox_env.clear_faults()
    assert "currentCalls" in terminal.finish()


def test_a_quick_retry_is_not_mentioned(sandbox_env):
    sandbox_env.fail_next(faults.Status(503, retry_after=0))
    assert "retrying" not in Terminal("counter", "currentCalls").finish()
