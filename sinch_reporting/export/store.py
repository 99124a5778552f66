"""Files at the destination, each of them there whole or not at all."""

import os
import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.fs as pafs

from sinch_reporting.errors import InvalidRequestError

Fill = Callable[[BinaryIO], object]
# Here an object comes into being when it is complete; a rename would be a copy.
_OBJECT_STORES = {"abfs", "gcs", "s3"}
_TEMPORARY = re.compile(r"\..+\.tmp")


class Store:
    """A folder on any pyarrow file system."""

    def __init__(self, destination: str | os.PathLike[str], filesystem: "pafs.FileSystem | None") -> None:
        """Find the folder. Raises InvalidRequestError where the destination is no path or URI."""
        located, root = _located(destination, filesystem)
        while isinstance(located, pafs.SubTreeFileSystem):
            root = f"{located.base_path.rstrip('/')}/{root.lstrip('/')}"
            located = located.base_fs
        self._filesystem = located
        self._root = root.rstrip("/")

    @property
    def folder(self) -> Path | None:
        """The folder, where it is on this machine's file system."""
        return Path(self._root) if isinstance(self._filesystem, pafs.LocalFileSystem) else None

    def names(self, folder: str = "") -> list[str]:
        """Return the names of what is in a folder, in order; none where there is no such folder."""
        selector = pafs.FileSelector(self._path(folder), allow_not_found=True)
        return sorted(info.base_name for info in self._filesystem.get_file_info(selector))

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        with self._filesystem.open_input_file(self._path(name)) as file:
            return bytes(file.read())

    def write(self, name: str, fill: Fill) -> None:
        """Make a file, or put it in the place of another one."""
        path = self._path(name)
        folder, _, base = path.rpartition("/")
        temporary = f"{folder}/.{base}.{secrets.token_hex(4)}.tmp"
        if self.folder:
            _write_locally(Path(path), Path(temporary), fill)
            return
        content = BytesIO()
        fill(content)
        if self._filesystem.type_name in _OBJECT_STORES:
            self._put(path, content)
        else:
            self._filesystem.create_dir(folder)
            self._put(temporary, content)
            self._filesystem.move(temporary, path)

    def _put(self, path: str, content: BytesIO) -> None:
        def put() -> None:
            with self._filesystem.open_output_stream(path) as stream:
                stream.write(content.getbuffer())

        # Not in this thread, which a Ctrl-C may interrupt: an object that is closed before it is whole is there.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(put).result()

    def clean(self, folder: str) -> None:
        """Remove what writers left unfinished when they were killed."""
        for name in self.names(folder):
            if _TEMPORARY.fullmatch(name):
                self._filesystem.delete_file(self._path(f"{folder}/{name}"))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root


def _located(
    destination: str | os.PathLike[str], filesystem: "pafs.FileSystem | None"
) -> "tuple[pafs.FileSystem, str]":
    try:
        if filesystem is not None:
            return filesystem, os.fspath(destination)
        if isinstance(destination, str) and "://" in destination:
            found, root = pafs.FileSystem.from_uri(destination)
            return found, str(root)
        return pafs.LocalFileSystem(), str(Path(destination).absolute())
    except (pa.ArrowInvalid, TypeError) as error:
        raise InvalidRequestError("the destination must be a path, or a URI that pyarrow knows") from error


def _write_locally(path: Path, temporary: Path, fill: Fill) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with temporary.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # elsewhere a folder cannot be opened
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
