from pathlib import Path

import pytest

from scripts.openapi.atomic_replace import replace_all


@pytest.mark.parametrize(
    ("failing", "failure"), [*((step, OSError("no space")) for step in range(6)), (3, KeyboardInterrupt())], ids=repr
)
def test_failed_replacement_is_undone(tmp_path, monkeypatch, failing, failure):
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


def test_replacement_leaves_nothing_behind(tmp_path):
    (tmp_path / "made/folder").mkdir(parents=True)
    (tmp_path / "made/folder/new").touch()
    (tmp_path / "target/folder").mkdir(parents=True)
    (tmp_path / "target/folder/old").touch()
    replace_all([(tmp_path / "made/folder", tmp_path / "target/folder")])
    assert [path.name for path in (tmp_path / "target/folder").iterdir()] == ["new"]
    assert list((tmp_path / "made").iterdir()) == []
