"""A copy of the whole project, as a repository of its own, with the tools of this one."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_TOOLS = (".venv", "tests/contract/node_modules", "tests/typing/node_modules", "scripts/tools/node_modules")


def pins():
    """Return the pinned versions of all that the checks use, as pip's constraints."""
    lines = (ROOT / "scripts/requirements.txt").read_text("utf-8").splitlines()
    return [line.partition(" \\")[0] for line in lines if "==" in line]


def git(root, *arguments):
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    ran = subprocess.run(["git", *identity, *arguments], cwd=root, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def copy_of_the_project(root):
    """Copy every file that is, or would be, in the repository."""
    names = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    for name in _TOOLS:
        (root / name).symlink_to(ROOT / name)
    git(root, "init", "--quiet", "--initial-branch=main")
    exclude = root / ".git/info/exclude"
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_text("\n".join(_TOOLS), "utf-8")  # `.gitignore` speaks of folders, and these are links
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=The project")
