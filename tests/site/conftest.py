import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Return the folder of the site, newly built; a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run([ROOT / "scripts/build-docs", folder], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder
