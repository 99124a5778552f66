"""Files of an input: paths, globs, folders, URIs and pipes, decompressed by their content."""

import fnmatch
import glob
import gzip
import io
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.fs as pafs

from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.output_store import public_name

FileSource = str | os.PathLike[str] | BinaryIO
SAMPLE_BYTES = 65536
_SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".parquet", ".xlsx")
_COMPRESSED = (".gz", ".zst", ".zip")
_BINARY = {
    b"%PDF": "a PDF file",
    b"\xd0\xcf\x11\xe0": "an old Excel file; save it as .xlsx or CSV",
    b"<": "HTML or XML",
    b"[": "a JSON array; write a value per line, as in .jsonl",
}


class Sampled(io.RawIOBase):
    """A binary stream whose beginning has been read.

    Attributes:
        sample: The beginning.
        name: Name for messages, None for unnamed streams.
    """

    def __init__(self, inner: BinaryIO, name: str | None) -> None:
        self._inner = inner
        self.name = name
        self.sample = b""
        while len(self.sample) < SAMPLE_BYTES and (chunk := inner.read(SAMPLE_BYTES - len(self.sample))):
            self.sample += chunk
        self._unread = self.sample

    def readable(self) -> bool:
        """Return true."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read at most this number of bytes, all of them if it is negative."""
        if not self._unread:
            return self._inner.read(size)
        if size < 0:
            result, self._unread = self._unread + self._inner.read(), b""
            return result
        result, self._unread = self._unread[:size], self._unread[size:]
        return result

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer."""
        chunk = self.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    @contextmanager
    def seekable_file(self) -> Generator[BinaryIO]:
        """Yield the content as a file in which a reader can seek: the file itself if it can."""
        if isinstance(self._inner, io.BufferedReader) and self._inner.seekable():
            self._inner.seek(0)
            yield self._inner
            return
        with tempfile.TemporaryFile() as file:
            shutil.copyfileobj(self, file)
            file.seek(0)
            yield file


def expand(sources: FileSource | Iterable[FileSource]) -> Iterator[FileSource]:
    """Yield each file of the sources, in order. Raises InvalidRequestError if a folder or pattern contains none."""
    is_one = isinstance(sources, str | os.PathLike) or hasattr(sources, "read")
    for source in cast("Iterable[FileSource]", [sources] if is_one else sources):
        if hasattr(source, "read"):
            yield cast("BinaryIO", source)
        elif "://" in os.fspath(cast("str", source)):
            yield from _expand_uri(os.fspath(cast("str", source)))
        else:
            yield from _expand_path(Path(cast("str", source)))


def _expand_path(path: Path) -> Iterator[Path]:
    if path.is_dir():
        found = [each for each in sorted(path.rglob("*")) if each.is_file() and _is_data(each.relative_to(path).parts)]
        if not found:
            raise InvalidRequestError(f"the folder {path} contains no file to read: {', '.join(_SUFFIXES)}")
        yield from found
    elif not path.exists() and glob.has_magic(str(path)):
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - absolute patterns too
        if not matches:
            raise InvalidRequestError(f"no file matches {path}")
        yield from map(Path, matches)
    else:
        yield path


def _is_data(parts: Iterable[str]) -> bool:
    parts = list(parts)
    name = parts[-1].lower()
    for suffix in _COMPRESSED:
        name = name.removesuffix(suffix)
    return name.endswith(_SUFFIXES) and not any(part.startswith((".", "_")) for part in parts)


def _expand_uri(uri: str) -> Iterator[str]:
    base, question, options = uri.partition("?")
    filesystem, path = _filesystem(uri)
    folder = path
    pattern = None
    if glob.has_magic(path):
        folder, _, pattern = path.rpartition("/")
    elif filesystem.get_file_info(path).type != pafs.FileType.Directory:
        yield uri
        return
    infos = filesystem.get_file_info(pafs.FileSelector(folder, recursive=pattern is None, allow_not_found=True))
    root = base[: len(base) - len(path)]
    found = sorted(
        info.path
        for info in infos
        if info.type == pafs.FileType.File
        and (fnmatch.fnmatch(info.base_name, pattern) if pattern else _is_data([info.base_name]))
    )
    if not found:
        raise InvalidRequestError(f"no file of an input is found at {public_name(uri)}")
    for each in found:
        yield f"{root}{each}{question}{options}"


def _filesystem(uri: str) -> "tuple[pafs.FileSystem, str]":
    try:
        filesystem, path = pafs.FileSystem.from_uri(uri)
    except (pa.ArrowInvalid, TypeError):  # without the cause, which quotes the URI
        raise InvalidRequestError("the input must be a path, or a URI that pyarrow knows") from None
    return filesystem, str(path)


@contextmanager
def opened(source: FileSource) -> Generator[Sampled]:
    """Open a file, decompressed. Raises OSError and InvalidRequestError."""
    if hasattr(source, "read"):
        file = cast("BinaryIO", source)
        if isinstance(file.read(0), str):
            raise InvalidRequestError("the input must be a binary file, such as sys.stdin.buffer")
        with _decompressed(Sampled(file, None)) as sampled:
            yield sampled
        return
    location = os.fspath(cast("str", source))
    if "://" in location:
        filesystem, path = _filesystem(location)
        raw: BinaryIO = filesystem.open_input_file(path)
    else:
        raw = Path(location).open("rb")  # noqa: SIM115 - closed below
    with raw, _decompressed(Sampled(raw, Path(public_name(location)).name)) as sampled:
        yield sampled


@contextmanager
def _decompressed(file: Sampled) -> Generator[Sampled]:
    sample = file.sample
    try:
        if sample.startswith(b"\x1f\x8b"):
            yield Sampled(cast("BinaryIO", gzip.GzipFile(fileobj=cast("BinaryIO", file))), file.name)
        elif sample.startswith(b"\x28\xb5\x2f\xfd"):
            stream = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")
            yield Sampled(cast("BinaryIO", stream), file.name)
        elif sample.startswith(b"PK\x03\x04"):
            yield from _unzipped(file)
        else:
            yield file
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise InvalidRequestError(f"the compressed input {file.name or ''} is damaged or not complete") from error


def _unzipped(file: Sampled) -> Iterator[Sampled]:
    with file.seekable_file() as seekable, zipfile.ZipFile(seekable) as archive:
        files = [each for each in archive.infolist() if not each.is_dir()]
        members = [each for each in files if not each.filename.startswith("__MACOSX/")]
        if any(each.filename == "[Content_Types].xml" for each in members):
            seekable.seek(0)
            yield Sampled(seekable, file.name)
        elif len(members) == 1:
            with archive.open(members[0]) as member:
                yield Sampled(cast("BinaryIO", member), members[0].filename)
        else:
            raise InvalidRequestError(f"the archive {file.name or ''} must contain one file, not {len(members)}")


def kind_of(file: Sampled) -> str:
    """Return the format of a file: `parquet`, `xlsx`, `jsonl` or `csv`. Raises InvalidRequestError for others."""
    sample = file.sample.removeprefix(b"\xef\xbb\xbf").lstrip()
    if sample.startswith(b"PAR1"):
        return "parquet"
    if sample.startswith(b"PK\x03\x04"):
        return "xlsx"
    for beginning, name in _BINARY.items():
        if sample.startswith(beginning):
            raise InvalidRequestError(f"the input {file.name or ''} is not a file of endpoints: it is {name}")
    return "jsonl" if sample.startswith(b"{") else "csv"
