"""An update that fails leaves everything as it was, whenever it fails."""

from pathlib import Path

import pytest

from scripts.lib import regenerate, update_spec
from scripts.lib.replace import replace_all
from scripts.lib.spec import SpecError


@pytest.mark.parametrize("failing", range(6))
@pytest.mark.parametrize("failure", [OSError("no space"), KeyboardInterrupt()], ids=["OSError", "KeyboardInterrupt"])
def test_a_replacement_that_fails_at_any_step_is_undone(tmp_path, monkeypatch, failing, failure):
    for name in ("made", "target"):
        (tmp_path / name / "folder").mkdir(parents=True)
        (tmp_path / name / "folder/file").write_text(name, "utf-8")
        for file in ("one", "two"):
            (tmp_path / name / file).write_text(name, "utf-8")
    steps = iter(range(100))
    rename = Path.rename

    def failing_rename(path, target):
        if next(steps) == failing:
            raise failure
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing_rename)
    pairs = [(tmp_path / "made" / name, tmp_path / "target" / name) for name in ("one", "folder", "two")]
    with pytest.raises(type(failure)):
        replace_all(pairs)
    files = {path.relative_to(tmp_path / "target").as_posix() for path in (tmp_path / "target").rglob("*")}
    assert files == {"folder", "folder/file", "one", "two"}
    for path in (tmp_path / "target").rglob("*"):
        assert path.is_dir() or path.read_text("utf-8") == "target"


def test_a_replacement_takes_all_and_leaves_nothing_behind(tmp_path):
    (tmp_path / "made/folder").mkdir(parents=True)
    (tmp_path / "made/folder/new").touch()
    (tmp_path / "target/folder").mkdir(parents=True)
    (tmp_path / "target/folder/old").touch()
    replace_all([(tmp_path / "made/folder", tmp_path / "target/folder")])
    assert [path.name for path in (tmp_path / "target/folder").iterdir()] == ["new"]
    assert list((tmp_path / "made").iterdir()) == []


@pytest.mark.parametrize("step", ["build", "lint", "_report", "replace_all"])
def test_an_update_that_fails_at_any_step_leaves_all_as_it_was(tree, monkeypatch, capsys, step):
    def fails(*_):
        raise SpecError("it failed")

    monkeypatch.setattr(update_spec, step, fails)
    before = tree.contents()
    assert tree.update("broken.yaml") == 1
    assert capsys.readouterr().err == "update-spec: it failed\n"
    assert tree.contents() == before
    assert {path.name for path in tree.root.iterdir()} == {"openapi", "generated_client", "sinch_reporting"}


def test_a_document_that_the_linter_refuses_changes_nothing(tree, tmp_path, capsys):
    (tree.root / "openapi/redocly.yaml").write_text("rules:\n  operation-description: error\n", "utf-8")
    before = tree.contents()
    assert tree.update("pointers.json") == 1
    assert "the linter refuses the document: Operation object should contain `description`" in capsys.readouterr().err
    assert tree.contents() == before


def test_a_regeneration_that_fails_in_the_end_leaves_all_as_it_was(tree, monkeypatch):
    (tree.root / "generated_client/sinch_reporting_client/py.typed").unlink()
    before = tree.contents()

    def fails(*_):
        raise OSError("no space")

    monkeypatch.setattr(regenerate, "replace_all", fails)
    with pytest.raises(OSError, match="no space"):
        regenerate.main(["--root", str(tree.root)])
    assert tree.contents() == before
