import shutil

import pytest

from scripts.lib.unasync import ROOT, SOURCE, TARGET, blocking, main


@pytest.fixture
def tree(tmp_path):
    """Return a copy of the two clients."""
    (tmp_path / SOURCE.parent).mkdir()
    for name in (SOURCE, TARGET):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def edit(path, before, after):
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


def test_the_blocking_client_that_is_checked_in_is_made_from_the_async_one(capsys):
    assert main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("name", [SOURCE, TARGET], ids=str)
def test_the_check_finds_an_edit_of_one_client_alone_and_writes_nothing(tree, capsys, name):
    edit(tree / name, "Return whether a service is available.", "Return whether a service is up.")
    before = (tree / TARGET).read_text("utf-8")
    assert main(["--root", str(tree), "--check"]) == 1
    assert "run scripts/unasync" in capsys.readouterr().out
    assert (tree / TARGET).read_text("utf-8") == before


def test_an_edit_of_the_async_client_reaches_the_blocking_one(tree):
    edit(tree / SOURCE, "async def get_counter(self, counter_id: str)", "async def get_counter(self, name: str)")
    assert main(["--root", str(tree)]) == 0
    assert "    def get_counter(self, name: str) -> Counter:\n" in (tree / TARGET).read_text("utf-8")
    assert main(["--root", str(tree), "--check"]) == 0


def test_what_is_async_goes_and_prose_stays():
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
    assert blocking(source) == made
