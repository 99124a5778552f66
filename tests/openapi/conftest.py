"""A copy of what an update reads and writes, and a server of documents."""

import gc
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scripts.openapi import update
from scripts.openapi.regenerate import ROOT

DOCUMENTS = Path(__file__).parent / "documents"


class Tree:
    """A copy of the project, as far as an update reads and writes it."""

    def __init__(self, root, original=ROOT):
        self.root = root
        for folder in ("openapi", "generated_client", "sinch_reporting"):
            shutil.copytree(original / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))

    def update(self, source, *arguments):
        """Update from a document's name, path or URL; return the exit status."""
        return update.main(["--root", str(self.root), "--folder", str(DOCUMENTS), str(source), *arguments])

    def contents(self):
        files = [path for path in self.root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(autouse=True)
def _without_gc_callbacks():
    # If the alarm of a time limit arrives within Hypothesis's callback, its exception is only a warning.
    callbacks, gc.callbacks[:] = gc.callbacks[:], []
    yield
    gc.callbacks[:] = callbacks


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path / "tree")


class Documents(ThreadingHTTPServer):
    """Serves `steps` in order, each a status, headers and a body. The last one repeats."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.steps = []
        self.requests = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.requests.append((self.path, dict(self.headers)))
        status, headers, body = server.steps.pop(0) if len(server.steps) > 1 else server.steps[0]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:  # the client has read enough
            self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def documents():
    with Documents() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()
