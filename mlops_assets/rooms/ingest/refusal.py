"""What refuses a landed file: a look at it before a parser sees it, and at the names and days that it brings."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlops_assets.errors import LandingError
from mlops_assets.stores.lake import reserved

if TYPE_CHECKING:
    import pyarrow as pa

MAGIC: Final = {
    b"PAR1": "Parquet",
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"PK\x03\x04": "a zip archive or spreadsheet",
    b"BZh": "bzip2",
    b"SQLite format 3": "SQLite",
    b"\xff\xfe": "UTF-16 text, and UTF-8 is read",
    b"\xfe\xff": "UTF-16 text, and UTF-8 is read",
}
_DAYS: Final = (-719162, 2932896)
"""The first of the year 1 and the last of 9999, as days since 1970."""
_BYTES: Final = 1 << 20


def look(path: Path, ending: str, compression: str) -> None:
    """Refuse what is empty, cut off or plainly something else, before a parser sees it (DuckDB reads a cut gzip)."""
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        raise refused(path, "the file is empty (0 bytes)")
    expected = "Parquet" if ending.endswith(".parquet") else {"gzip": "gzip", "zstd": "Zstandard", "": ""}[compression]
    found = next((name for mark, name in MAGIC.items() if head.startswith(mark)), "")
    if found != expected:
        raise refused(path, f"not what its suffix {ending} says: it looks like {found or 'something else'}")
    if expected != "Parquet":
        _drain(path, compression)


def _drain(path: Path, compression: str) -> None:
    import pyarrow as pa

    seen = False
    try:
        with pa.input_stream(str(path), compression=compression or None) as stream:
            while chunk := stream.read(_BYTES):
                seen = True
                if b"\0" in chunk:
                    raise refused(path, "binary content (a NUL byte) where text was expected")
    except OSError as error:
        raise refused(path, f"cut off or damaged: {reason(error)}") from error
    if not seen:
        raise refused(path, "the file is empty inside its compression (0 bytes)")


def distinct(path: Path, names: list[str]) -> None:
    """Refuse names of columns that are doubled, lacking or the platform's own."""
    seen: dict[str, str] = {}
    for position, name in enumerate(names, start=1):
        if not name.strip():
            raise refused(path, f"column {position} has no name", allowed="a header that names every column")
        if name.lower() in seen:
            raise refused(path, f"a column name is doubled: {seen[name.lower()]!r}, {name!r}", allowed="each name once")
        if reserved(name):
            raise refused(path, f"column {name!r} is the platform's own", allowed="any other name")
        seen[name.lower()] = name


def check_days(path: Path, batch: "pa.RecordBatch | pa.Table") -> None:
    """Refuse days that no table can hold: Delta's writer breaks off at them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for field, column in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_date32(field.type):
            ends = pc.min_max(column.cast(pa.int32()))
            if ends["min"].is_valid and not _DAYS[0] <= ends["min"].as_py() <= ends["max"].as_py() <= _DAYS[1]:
                raise refused(path, f"column {field.name!r} holds days outside the years 1 to 9999")


def reason(error: BaseException) -> str:
    """What a parser says, without its advice on how to read the file all the same."""
    said = re.split(r"Possible |Try ", str(error))[0]
    return " ".join(said.split())[:300]


def refused(path: Path, why: str, *, allowed: object = None) -> LandingError:
    """The error of a file that stays where it is."""
    return LandingError.of(f"{path}: {why}", allowed=allowed, step="land a whole file of the same name; this one stays")
