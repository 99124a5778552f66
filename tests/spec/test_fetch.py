import os
import subprocess

import pytest

from scripts.lib.regenerate import ROOT
from scripts.lib.spec import SpecError, fetch
from tests.spec.conftest import DOCUMENTS

DOCUMENT = (DOCUMENTS / "anchors.yaml").read_bytes()
OK = (200, {"Content-Type": "application/yaml"}, DOCUMENT)


def test_a_document_is_taken_from_its_address(tree, documents, capsys):
    documents.steps = [OK]
    assert tree.update(f"{documents.url}/voice.yaml?download") == 10
    ((path, headers),) = documents.asked
    assert path == "/voice.yaml?download"
    assert headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_passes_is_tried_again(documents, status):
    documents.steps = [(status, {}, b""), (status, {}, b""), OK]
    assert fetch.fetch(documents.url, 0) == DOCUMENT
    assert len(documents.asked) == 3


def test_a_connection_that_fails_is_tried_again_and_then_given_up(documents):
    url = documents.url
    documents.server_close()  # its port is free, and nobody listens there
    with pytest.raises(SpecError, match="cannot be reached"):
        fetch.fetch(url, 0)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ((404, {}, b""), "answered 404"),
        ((403, {}, b""), "answered 403"),
        ((500, {}, b""), "answered 500"),
        ((200, {}, b" \n"), "empty"),
        ((200, {"Content-Type": "text/html"}, b"\n<!doctype html><p>Sign in"), "web page"),
        ((200, {}, b"a: " + b"x" * fetch.MAX_BYTES), "larger than"),
        ((200, {"Content-Encoding": "gzip"}, DOCUMENT), "compressed"),
        ((200, {}, b"openapi: \xff"), "not UTF-8"),
        ((200, {}, b"openapi: [3.0.0"), "neither YAML nor JSON"),
        ((200, {}, b"- openapi: 3.0.0"), "does not hold a mapping"),
        ((200, {}, b"swagger: '2.0'"), "not an OpenAPI 3.0 or 3.1 document"),
        ((200, {}, b"openapi: 3.0.0\npaths: {}"), "no operation has the tag"),
        ((200, {}, b"openapi: 3.0.0\npaths: {/a: {get: {tags: [Calls]}}}"), "there are: Calls"),
        ((302, {"Location": "http://192.0.2.1/voice.yaml"}, b""), "is not https"),
        ((302, {"Location": "/again"}, b""), "redirects too often"),
    ],
)
def test_what_is_no_document_fails_and_changes_nothing(tree, documents, capsys, step, reason):
    documents.steps = [step]
    before = tree.contents()
    assert tree.update(documents.url, "--pause", "0") == 1
    assert reason in capsys.readouterr().err
    assert tree.contents() == before


def test_a_redirect_on_this_machine_is_followed(documents):
    documents.steps = [(302, {"Location": "/moved"}, b""), OK]
    assert fetch.fetch(documents.url, 0) == DOCUMENT


def test_another_machine_is_asked_by_https_only():
    with pytest.raises(SpecError, match="is not https"):
        fetch.fetch("http://192.0.2.1/voice.yaml", 0)


def test_a_file_that_is_not_there_fails(tree, capsys):
    assert tree.update("missing.yaml") == 1
    assert "No such file" in capsys.readouterr().err


def test_the_default_is_the_publishers_address():
    assert fetch.ADDRESS.startswith("https://developers.sinch.com/")


def test_the_script_takes_a_file_from_any_folder_and_fails_without_a_trace(tmp_path):
    (tmp_path / "voice.yaml").write_text("openapi: 3.0.0\npaths: {}\n", "utf-8")
    status = ["git", "status", "--porcelain", "--", "openapi", "generated_client"]
    before = subprocess.run(status, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    command = [ROOT / "scripts/update-spec", "voice.yaml"]
    ran = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "update-spec: no operation has the tag 'Call Report'; there are: none\n"
    assert subprocess.run(status, cwd=ROOT, capture_output=True, text=True, check=True).stdout == before
