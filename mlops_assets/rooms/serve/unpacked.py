"""How large an Arrow IPC body is when it is unpacked, told from its headers: a small body can hold very much.

A compressed buffer begins with its unpacked length, and each message says in a flatbuffer where its buffers are (Arrow
columnar format, "Serialization and Interprocess Communication"); pyarrow shows neither, so those fields are read here.
"""

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

_HEADER: Final = 8
_DATA: Final = 6
_BUFFERS: Final = 8
_COMPRESSION: Final = 10
_PLACE: Final = 16
"""Bytes of a buffer's entry: offset and length."""


def unpacked(source: "pa.Buffer") -> int:
    """Bytes of all messages of a stream when they are unpacked.

    Raises:
        ArrowException: it is no stream.
        ValueError: a message is not what it should be.
    """
    import pyarrow as pa

    size = 0
    try:
        for message in pa.ipc.MessageReader.open_stream(source):
            if message.type in ("record batch", "dictionary"):
                size += _message(memoryview(message.metadata), memoryview(message.body), message.type)
    except (struct.error, IndexError) as error:
        raise ValueError("a message of the stream is damaged") from error
    return size


def _message(head: memoryview, body: memoryview, kind: str) -> int:
    root = struct.unpack_from("<I", head, 0)[0]
    batch = _table(head, root, _HEADER)
    batch = _table(head, batch, _DATA) if kind == "dictionary" else batch
    if not _field(head, batch, _COMPRESSION):
        return len(body)
    vector = _table(head, batch, _BUFFERS)
    (count,) = struct.unpack_from("<I", head, vector)
    return sum(_buffer(body, *struct.unpack_from("<qq", head, vector + 4 + _PLACE * place)) for place in range(count))


def _buffer(body: memoryview, offset: int, length: int) -> int:
    """A length of -1 says that this one was not packed."""
    if length == 0:
        return 0
    if offset < 0 or length < 0:
        raise ValueError("a buffer of the stream is damaged")
    (size,) = struct.unpack_from("<q", body, offset)
    return int(size) if size >= 0 else length


def _field(head: memoryview, table: int, slot: int) -> int:
    """Where a table's field is; 0 when it is left out."""
    offsets = table - int(struct.unpack_from("<i", head, table)[0])
    (end,) = struct.unpack_from("<H", head, offsets)
    found = int(struct.unpack_from("<H", head, offsets + slot)[0]) if slot < end else 0
    return table + found if found else 0


def _table(head: memoryview, table: int, slot: int) -> int:
    """Where the table or the vector is to which a field points."""
    place = _field(head, table, slot)
    return place + int(struct.unpack_from("<I", head, place)[0])
