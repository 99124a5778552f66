import hashlib
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from sinch_reporting import __version__
from tests.support.project import copy_of_the_project, pins

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import importlib.util
from sinch_reporting import ReportingClient, Number
with ReportingClient() as reporting:
    print(reporting.get_call_report(Number("+46730170101")).total >= 0, reporting.get_service_status("rtpproxy").status)
print([name for name in ("generated_client", "scripts", "tests", "starlette") if importlib.util.find_spec(name)])
"""


def run(*command, **environment):
    names = ("PATH", "HOME", "PIP_CONFIG_FILE", "PIP_CERT", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    ran = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=kept | environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """Return the folder with the sdist, and with the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT))
    return folder


def test_wheel_has_both_typed_packages_and_nothing_else(dist):
    (wheel,) = dist.glob("*.whl")
    assert wheel.name == f"sinch_reporting-{__version__}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {
        "sinch_reporting",
        "sinch_reporting_client",
        f"sinch_reporting-{__version__}.dist-info",
    }
    assert {
        "sinch_reporting/py.typed",
        "sinch_reporting_client/py.typed",
        "sinch_reporting/testing/__main__.py",
    } <= set(names)
    checked_in = {path.relative_to(ROOT) for path in (ROOT / "sinch_reporting").rglob("*.py")}
    assert {path.as_posix() for path in checked_in} <= set(names)


def test_sdist_has_the_sources_of_the_generated_files_and_the_policies(dist):
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"openapi/upstream.yaml", "openapi/overlay.yaml", "pyproject.toml"} <= names
    assert {"LICENSE", "README.md", "SECURITY.md"} <= names


@pytest.fixture(scope="module")
def python(dist, tmp_path_factory):
    """Return the Python of an environment with the wheel, without its extras."""
    (wheel,) = dist.glob("*.whl")
    folder = tmp_path_factory.mktemp("empty")
    run(sys.executable, "-m", "venv", str(folder))
    python = str(folder / "bin/python")
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(pins()), "utf-8")
    # The pinned versions, so that a release of a dependency does not break the build of an old commit.
    run(python, "-m", "pip", "install", "-qq", "--constraint", str(constraints), str(wheel))
    return python


def test_wheel_works_in_an_empty_environment(python, sandbox):
    printed = run(
        python, "-I", "-W", "error", "-c", PROGRAM,
        SINCH_REPORTING_URL=sandbox.url,
        SINCH_APPLICATION_KEY=sandbox.application_key,
        SINCH_APPLICATION_SECRET=sandbox.application_secret,
    )  # fmt: skip
    assert printed == "True up\n[]\n"


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["-m", "sinch_reporting.cli"], "cli"),
        (["-m", "sinch_reporting.testing"], "testing"),
        (["-c", "from sinch_reporting.testing import Sandbox"], "testing"),
        (["-c", "import sinch_reporting.export"], "export"),
        (["-c", "import sinch_reporting.metrics"], "metrics"),
        (["-c", "import sinch_reporting.tracing"], "otel"),
    ],
)
def test_what_needs_an_extra_says_how_to_install_it(python, arguments, extra):
    ran = subprocess.run([python, "-I", *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert ran.stderr.endswith(f": pip install 'sinch-reporting[{extra}]'\n")


def test_release_is_built_for_its_own_tag_and_its_packages_are_listed(project):
    refused = subprocess.run([project / "scripts/build", "v0.0.0"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr == f"build: the tag is v0.0.0, but sinch_reporting/version.py has v{__version__}\n"
    assert not (project / "dist").exists()
    first = built(project)
    assert set(first) == {f"sinch_reporting-{__version__}-py3-none-any.whl", f"sinch_reporting-{__version__}.tar.gz"}
    assert built(project) == first
    subprocess.run([project / "scripts/sbom"], check=True)
    assert digests(project) == first
    text = (project / "sbom/sinch-reporting.cdx.json").read_text("utf-8")
    named = {part["name"]: part["version"] for part in json.loads(text)["components"]}
    assert named["sinch-reporting"] == __version__
    assert {"httpx", "attrs", "python-dateutil", "certifi"} <= named.keys()
    assert not {"pytest", "starlette"} & named.keys()
    assert str(project) not in text


@pytest.fixture
def project(tmp_path):
    copy_of_the_project(tmp_path)
    return tmp_path


def built(project):
    """Build, and return the name and digest of each file."""
    subprocess.run([project / "scripts/build", f"v{__version__}"], check=True, capture_output=True)
    return digests(project)


def digests(project):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (project / "dist").iterdir()}
