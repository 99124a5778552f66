import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from sinch_reporting.cli import exit_codes
from tests.support.callers import KEY, SECRET


class Held(KeyringBackend):
    """A keyring in memory."""

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
    yield lambda held: keyring.set_keyring(Held(held))
    keyring.set_keyring(before)


def asked(run, *options):
    return run("counter", "currentCalls", *options)


def test_without_credentials_it_says_how_to_get_and_set_them_and_offers_the_sandbox(run):
    ran = asked(run)
    assert ran.code == exit_codes.MISUSE
    for said in ("dashboard", "export SINCH_APPLICATION_KEY=", "--credentials FILE", "--keyring", "--sandbox"):
        assert said in ran.err


def test_the_built_in_sandbox_needs_nothing(run):
    assert asked(run, "--sandbox").code == exit_codes.OK


def test_the_built_in_sandbox_goes_with_no_other_server(run):
    ran = asked(run, "--sandbox", "--base-url", "https://reporting.example")
    assert ran.code == exit_codes.MISUSE
    assert "--sandbox has a URL and credentials of its own" in ran.err


@pytest.mark.parametrize(
    "text",
    [
        "export SINCH_REPORTING_URL={url}\nexport SINCH_APPLICATION_KEY={key} SINCH_APPLICATION_SECRET={secret}\n",
        "# mine\n\nSINCH_APPLICATION_KEY='{key}'\nSINCH_APPLICATION_SECRET=\"{secret}\"\nSINCH_REPORTING_URL={url} # x",
    ],
)
def test_a_file_holds_them_as_a_shell_would_read_them(run, sandbox, tmp_path, monkeypatch, text):
    file = tmp_path / "credentials"
    file.write_text(text.format(url=sandbox.url, key=KEY, secret=SECRET), "utf-8")
    monkeypatch.setenv("SINCH_APPLICATION_KEY", "another")
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", "c2VjcmV0")
    assert asked(run, "--credentials", str(file)).code == exit_codes.OK


def test_the_option_for_the_base_url_is_over_the_files(run, sandbox, tmp_path):
    file = tmp_path / "credentials"
    file.write_text(f"SINCH_REPORTING_URL=https://x.example\n{'SINCH_APPLICATION_KEY'}={KEY}\n", "utf-8")
    with file.open("a") as more:
        more.write(f"SINCH_APPLICATION_SECRET={SECRET}\n")
    assert asked(run, "--credentials", str(file), "--base-url", sandbox.url).code == exit_codes.OK


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"SINCH_APPLICATION_KEY=x", "does not set SINCH_APPLICATION_SECRET"),
        (b"SINCH_APPLICATION_KEY=x\n\nmy secret", "line 3 of the credentials file"),
        (b"SINCH_APPLICATION_KEY='x", "line 1 of the credentials file"),
        (b"\xff", "it is not text"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_and_nothing_of_its_content(run, tmp_path, content, said):
    file = tmp_path / "credentials"
    file.write_bytes(content)
    ran = asked(run, "--credentials", str(file))
    assert ran.code == exit_codes.MISUSE
    assert said in ran.err
    assert "my" not in ran.err.replace(str(file), "")


def test_a_file_that_is_not_there_is_said(run, tmp_path):
    assert "No such file or directory" in asked(run, "--credentials", str(tmp_path / "none")).err


def test_a_keyring_holds_them_under_the_names_of_the_variables(run, sandbox, use_keyring):
    values = {"KEY": KEY, "SECRET": SECRET}
    held = {("sinch-reporting", f"SINCH_APPLICATION_{name}"): value for name, value in values.items()}
    use_keyring(held)
    assert asked(run, "--keyring", "--base-url", sandbox.url).code == exit_codes.OK


def test_a_keyring_that_is_empty_or_locked_is_said(run, use_keyring):
    use_keyring({})
    assert "no SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET" in asked(run, "--keyring").err
    use_keyring(None)
    assert "KeyringLocked" in asked(run, "--keyring").err


def test_two_places_for_the_credentials_exclude_each_other(run, tmp_path):
    assert asked(run, "--keyring", "--credentials", str(tmp_path / "none")).code == exit_codes.MISUSE


def test_a_secret_that_is_none_is_misuse_and_stays_unsaid(run, monkeypatch):
    monkeypatch.setenv("SINCH_APPLICATION_KEY", KEY)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", "not Base64!")
    ran = asked(run)
    assert ran.code == exit_codes.MISUSE
    assert "Base64" in ran.err
    assert "not Base64!" not in ran.err
