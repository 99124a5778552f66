import shutil

import pytest

from scripts.unasync import ROOT, SOURCES, main, target_of, to_sync

SOURCE = SOURCES[-1]
TARGET = target_of(SOURCE)


@pytest.fixture
def tree(tmp_path):
    """Return a copy of the async modules and the blocking ones."""
    for source in SOURCES:
        for name in (source, target_of(source)):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def edit(path, before, after):
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


def test_the_blocking_modules_are_up_to_date(capsys):
    assert main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("name", [SOURCE, TARGET], ids=str)
def test_the_check_finds_an_edit_of_one_module_and_writes_nothing(tree, capsys, name):
    edit(tree / name, "Return the status of a service.", "Return the state of a service.")
    before = (tree / TARGET).read_text("utf-8")
    assert main(["--root", str(tree), "--check"]) == 1
    assert "run scripts/unasync" in capsys.readouterr().out
    assert (tree / TARGET).read_text("utf-8") == before


def test_an_edit_of_the_async_client_reaches_the_blocking_one(tree):
    edit(tree / SOURCE, "async def get_counter(self, counter_id: str)", "async def get_counter(self, name: str)")
    assert main(["--root", str(tree)]) == 0
    assert "    def get_counter(self, name: str) -> models.Counter:\n" in (tree / TARGET).read_text("utf-8")
    assert main(["--root", str(tree), "--check"]) == 0


def test_async_syntax_is_removed_and_prose_stays():
    source = '''\
from collections.abc import AsyncIterable, Iterable


async def close_all(given: Iterable[int] | AsyncIterable[int]) -> None:
    """Await the end of an async client."""
    async with lock:  # await
        [await each.aclose() async for each in given]
'''
    made = '''\
from collections.abc import Iterable


def close_all(given: Iterable[int]) -> None:
    """Await the end of an async client."""
    with lock:  # await
        [each.close() for each in given]
'''
    assert to_sync(source) == made
