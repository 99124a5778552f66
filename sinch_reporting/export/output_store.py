"""Files of the destination, on this machine or in an object store. Each is there whole or not at all."""

import hashlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.fs as pafs

from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.storage_errors import os_errors

WriteBody = Callable[[BinaryIO], object]
# An object of these is there when it is complete; a rename would be a copy.
_OBJECT_STORES = {"abfs", "gcs", "s3"}
_TEMPORARY = re.compile(r"\.sinch-export-[0-9a-f]{16}\.tmp")
_CHUNK_BYTES = 1 << 20


class OutputStore:
    """A folder on any pyarrow file system.

    Attributes:
        name: The destination without user name, password and options.
    """

    def __init__(self, destination: str | os.PathLike[str], filesystem: "pafs.FileSystem | None") -> None:
        """Find the folder. Raises InvalidRequestError if the destination is not a path or URI."""
        self.name = public_name(destination)
        resolved, root = _resolve(destination, filesystem)
        while isinstance(resolved, pafs.SubTreeFileSystem):
            root = f"{resolved.base_path.rstrip('/')}/{root.lstrip('/')}"
            resolved = resolved.base_fs
        self._filesystem = resolved
        self._root = root.rstrip("/")

    @property
    def folder(self) -> Path | None:
        """The folder, if it is on this machine."""
        return Path(self._root) if isinstance(self._filesystem, pafs.LocalFileSystem) else None

    def journal_path(self) -> Path:
        """Return the default path of the journal: in the destination, or for remote ones in the user's state folder."""
        if self.folder:
            return self.folder / ".journal.sqlite3"
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "sinch-reporting"
        return state / f"{hashlib.sha256(f'{self.name}:{self._root}'.encode()).hexdigest()[:32]}.sqlite3"

    def names(self, folder: str = "") -> list[str]:
        """Return the sorted names in a folder, none if it does not exist."""
        selector = pafs.FileSelector(self._path(folder), allow_not_found=True)
        with os_errors(f"the destination {self.name}"):
            return sorted(info.base_name for info in self._filesystem.get_file_info(selector))

    def exist(self, *names: str) -> bool:
        """Return whether all these files exist."""
        infos = self._filesystem.get_file_info([self._path(name) for name in names])
        return all(info.type == pafs.FileType.File for info in infos)

    def open(self, name: str) -> "pa.NativeFile":
        """Open a file for reading."""
        with os_errors(f"{name} in {self.name}"):
            return self._filesystem.open_input_file(self._path(name))

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        with self.open(name) as file:
            return bytes(file.read())

    def write(self, name: str, write_body: WriteBody) -> None:
        """Create or replace a file."""
        with os_errors(f"{name} in {self.name}"):
            self._write(self._path(name), write_body)

    def _write(self, path: str, write_body: WriteBody) -> None:
        if self.folder:
            _write_locally(Path(path), Path(self._root), write_body)
            return
        with tempfile.TemporaryFile() as body:
            write_body(body)
            body.seek(0)
            if self._filesystem.type_name in _OBJECT_STORES:
                self._upload(path, body)
            else:
                temporary = f"{self._root}/{_temporary_name()}"
                self._filesystem.create_dir(path.rpartition("/")[0])
                self._upload(temporary, body)
                self._filesystem.move(temporary, path)

    def delete(self, name: str) -> None:
        """Delete a file, if it exists."""
        if self.exist(name):
            with os_errors(f"{name} in {self.name}"):
                self._filesystem.delete_file(self._path(name))

    def delete_temporary_files(self) -> None:
        """Delete what killed exports left at the destination. Other files are not touched."""
        for name in self.names():
            if _TEMPORARY.fullmatch(name):
                self.delete(name)

    def _upload(self, path: str, body: BinaryIO) -> None:
        with self._filesystem.open_output_stream(path) as stream:
            shutil.copyfileobj(body, stream, _CHUNK_BYTES)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


# Read once, since it can only be read by changing it, for all threads.
_UMASK = _umask()


def _temporary_name() -> str:
    return f".sinch-export-{secrets.token_hex(8)}.tmp"


def _write_locally(path: Path, folder: Path, write_body: WriteBody) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder / _temporary_name()
    try:
        with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "wb") as file:
            write_body(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_UMASK)
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


def public_name(location: object) -> str:
    """Return a path or URI without user name, password and options, which may be credentials."""
    text = os.fspath(location) if isinstance(location, str | os.PathLike) else ""
    if isinstance(text, bytes) or "://" not in text:
        return os.fsdecode(text)
    parts = urlsplit(text)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _resolve(
    destination: str | os.PathLike[str], filesystem: "pafs.FileSystem | None"
) -> "tuple[pafs.FileSystem, str]":
    try:
        if filesystem is not None:
            return filesystem, os.fspath(destination)
        if isinstance(destination, str) and "://" in destination:
            found, root = pafs.FileSystem.from_uri(destination)
            return found, str(root)
        return pafs.LocalFileSystem(), str(Path(destination).absolute())
    except (pa.ArrowInvalid, TypeError):
        # Without the cause, which quotes the URI.
        raise InvalidRequestError("the destination must be a path, or a URI that pyarrow knows") from None
