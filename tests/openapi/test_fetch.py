import gzip
import socket
import subprocess
import threading
import time

import pytest

from scripts.openapi import SpecError
from scripts.openapi.fetch import ADDRESS, MAX_BYTES, fetch
from scripts.openapi.regenerate import ROOT
from tests.openapi.conftest import DOCUMENTS

DOCUMENT = (DOCUMENTS / "anchors.yaml").read_bytes()
OK = (200, {"Content-Type": "application/yaml"}, DOCUMENT)
GZIP = {"Content-Encoding": "gzip"}


def fetched(url):
    return fetch(url, 0, 30)


def test_document_is_downloaded_from_its_address(tree, documents):
    documents.steps = [OK]
    assert tree.update(f"{documents.url}/voice.yaml?download") == 20
    ((path, headers),) = documents.requests
    assert path == "/voice.yaml?download"
    assert headers["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize(
    "step",
    [
        *((status, {}, b"") for status in (408, 429, 500, 502, 503, 504)),
        (200, {"Content-Length": str(len(DOCUMENT))}, DOCUMENT[:500]),
        (200, {"Transfer-Encoding": "chunked"}, b"5\r\nopena\r\n"),
        (200, GZIP, gzip.compress(DOCUMENT)[:-20]),
        (200, GZIP, b"not gzip"),
    ],
    ids=lambda step: f"{step[0]}-{'-'.join(step[1].values())[:30]}-{len(step[2])}",
)
def test_transient_failure_and_truncated_download_are_retried(documents, step):
    documents.steps = [step, step, OK]
    assert fetched(documents.url) == DOCUMENT
    assert len(documents.requests) == 3


def test_compressed_response_is_read(documents):
    documents.steps = [(200, GZIP, gzip.compress(DOCUMENT))]
    assert fetched(documents.url) == DOCUMENT


def test_refused_connection_is_retried_and_then_reported(documents):
    url = documents.url
    documents.server_close()  # nothing listens on its port now
    with pytest.raises(SpecError, match="cannot reach"):
        fetched(url)


@pytest.mark.parametrize("drip", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\nopenapi: "], ids=["head", "body"])
def test_slow_download_ends_at_the_time_limit(drip):
    done = threading.Event()

    def serve(listener):
        connection, _ = listener.accept()
        with connection:
            connection.sendall(drip)
            while not done.wait(0.02):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=[listener])
        thread.start()
        started = time.monotonic()
        with pytest.raises(SpecError, match=r"^the download took longer than 0\.3 s$"):
            fetch(f"http://127.0.0.1:{listener.getsockname()[1]}", 0, 0.3)
        assert time.monotonic() - started < 20
        done.set()
        thread.join()


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ((404, {}, b""), "returned the status 404"),
        ((500, {}, b""), "returned the status 500"),
        ((200, {}, b" \n"), "is empty"),
        ((200, {"Content-Type": "text/html"}, b"\n<!doctype html><p>Sign in"), "web page"),
        ((200, {}, b"a: " + b"x" * MAX_BYTES), "larger than"),
        ((200, GZIP, gzip.compress(b"a: " + b"x" * MAX_BYTES)), "larger than"),
        ((200, {"Content-Encoding": "br"}, DOCUMENT), "the encoding 'br'"),
        ((200, {}, b"openapi: \xff"), "not UTF-8"),
        ((200, {}, b"openapi: [3.0.0"), "neither YAML nor JSON"),
        ((200, {}, b"- openapi: 3.0.0"), "not a mapping"),
        ((200, {}, b"openapi: 3.0.0\nopenapi: 3.0.1"), "line 2 has the key 'openapi' a second time"),
        ((200, {}, b"paths:\n  /a:\n    200: a\n    '200': b"), "line 4 has the key '200' a second time"),
        ((200, {}, b'{"openapi": "3.0.0", "openapi": "3.0.1"}'), "the key 'openapi' occurs twice"),
        ((200, {}, b"swagger: '2.0'"), "not an OpenAPI 3.0 or 3.1 document"),
        ((200, {}, b"openapi: 3.0.0\ninfo: {title: A}\npaths: {}"), "no `paths`"),
        ((302, {"Location": "http://192.0.2.1/voice.yaml"}, b""), "is not https"),
        ((302, {"Location": "/again"}, b""), "redirects too often"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unusable_document_fails_and_changes_nothing(tree, documents, capsys, step, reason):
    documents.steps = [step]
    before = tree.contents()
    assert tree.update(documents.url, "--pause", "0") == 1
    assert reason in capsys.readouterr().err
    assert tree.contents() == before


def test_redirect_to_loopback_is_followed(documents):
    documents.steps = [(302, {"Location": "/moved"}, b""), OK]
    assert fetched(documents.url) == DOCUMENT


def test_other_hosts_need_https():
    with pytest.raises(SpecError, match="is not https"):
        fetched("http://192.0.2.1/voice.yaml")


def test_missing_file_fails(tree, capsys):
    assert tree.update("missing.yaml") == 1
    assert "No such file" in capsys.readouterr().err


def test_default_is_the_publishers_address():
    assert ADDRESS.startswith("https://developers.sinch.com/")


def test_script_accepts_a_relative_path_in_any_folder_and_prints_no_traceback(tmp_path):
    (tmp_path / "voice.yaml").write_text("openapi: 3.0.0\npaths: {}\n", "utf-8")
    status = ["git", "status", "--porcelain", "--", "openapi", "generated_client"]
    before = subprocess.run(status, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    command = [ROOT / "scripts/update-spec", "voice.yaml"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr == "update-spec: the document has no `paths` or no `info`; the download may be incomplete\n"
    assert subprocess.run(status, cwd=ROOT, capture_output=True, text=True, check=True).stdout == before
