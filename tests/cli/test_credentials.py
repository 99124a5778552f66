import pytest

from sinch_reporting.cli.credentials import parse_file
from sinch_reporting.cli.exit_codes import UsageError

KEY, SECRET, URL = "SINCH_APPLICATION_KEY", "SINCH_APPLICATION_SECRET", "SINCH_REPORTING_URL"


@pytest.mark.parametrize(
    "text",
    [
        f"{KEY}=k1\n{SECRET}=c2Vj==\n",
        f"export {KEY}=k1\r\nexport {SECRET}=c2Vj==\r\n",
        f"# mine\n\n{KEY}='k1' # the key\n{SECRET}=\"c2Vj==\"\n",
        f"; systemd\n{KEY}=k1\n{SECRET}=c2Vj==",
        f"APP_NAME=My great app\nset -a\n[section]\nA=1 B=2 run\n{KEY}=k1\n{SECRET}=c2Vj==  \n",
        f"  {KEY} = k1 # comment with A=1\n{SECRET}\t= c2Vj==\n# {KEY}=k2\n;{KEY}=k3\nMY_{KEY}=k4\n",
        f"{KEY}=old\n{KEY}=k1\n{SECRET}=c2Vj==\n",
    ],
)
def test_files_are_read_as_shells_systemd_and_docker_write_them(text):
    assert parse_file(text, "file") == {KEY: "k1", SECRET: "c2Vj=="}


@pytest.mark.parametrize(
    "line",
    [
        f"{KEY}=k1 {SECRET}=c2VjcmV0",
        f"{KEY}=k1; export {SECRET}=c2VjcmV0",
        f"A=1 {KEY}=k1",
        f"A=1;{KEY}=k1",
        f"{KEY}=k1 A=1",
        f"{KEY}='k1' A=1",
        f"{KEY}='k1",
    ],
)
def test_a_line_with_several_assignments_is_refused(line):
    with pytest.raises(UsageError, match="line 2 of the credentials file file is not one NAME=VALUE") as raised:
        parse_file(f"\n{line}", "file")
    assert "k1" not in str(raised.value)
