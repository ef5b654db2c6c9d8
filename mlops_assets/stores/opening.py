"""Which folder a table of the lake is, and how a version of it is opened: by names that lead nowhere else."""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlops_assets.errors import NotFound, StoreError
from mlops_assets.stores.files import gone

if TYPE_CHECKING:
    from deltalake import DeltaTable

_NAME: Final = re.compile(r"\w[\w.=@+ -]*")
_COMMIT: Final = re.compile(r"\d{20}\.(json|checkpoint\.)")
_UNADDRESSABLE: Final = set("[]^|%#?\\")
"""What Delta's URLs cannot hold."""


def checked(name: str, kind: str) -> str:
    """A name that is safe as that of a folder, and in Delta's predicates.

    Raises:
        StoreError: it is not.
    """
    if not _NAME.fullmatch(name) or ".." in name:
        allowed = "letters, digits and _ . = @ + - or space, no leading sign, no '..'"
        raise StoreError.of(f"not a name for a {kind}", got=repr(name), allowed=allowed)
    return name


def folder(lake: Path, table: str) -> Path:
    """A table's folder.

    Raises:
        StoreError: the name could lead elsewhere, or Delta cannot address the lake.
    """
    for part in table.split("/"):
        checked(part, "table")
    if _UNADDRESSABLE & set(str(lake)):
        allowed = f"a path without {' '.join(sorted(_UNADDRESSABLE))}"
        raise StoreError.of("Delta cannot address this folder", got=lake, allowed=allowed, step="move the home")
    return lake / table


def exists(lake: Path, table: str) -> bool:
    """Whether the table has a version: a commit in its log, or a checkpoint of many."""
    return bool(_newest(folder(lake, table)))


def shared(lake: Path, table: str) -> "DeltaTable":
    """The newest version of a table, to read from only: opened once for as long as nothing is written to its log.

    Raises:
        NotFound: there is no such table.
    """
    where = folder(lake, table)
    newest = _newest(where)
    if not newest:
        return opened(lake, table)
    stat = (where / "_delta_log" / newest).stat()
    return _shared(lake, table, (newest, stat.st_ino, stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=64)
def _shared(lake: Path, table: str, _: tuple[str, int, int, int]) -> "DeltaTable":
    return opened(lake, table)


def _newest(where: Path) -> str:
    """The last file of a table's log that tells of a version; empty where there is none."""
    try:
        with os.scandir(where / "_delta_log") as log:
            return max((entry.name for entry in log if _COMMIT.match(entry.name)), default="")
    except (FileNotFoundError, NotADirectoryError):
        return ""


def opened(lake: Path, table: str, version: int | None = None) -> "DeltaTable":
    """A version of a table; default: the newest.

    Raises:
        NotFound: there is no such table or version, or its retention has let it go.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    if not exists(lake, table):
        raise NotFound.of(f"no table '{table}' in the lake {lake}", step="materialize the asset that makes it")
    newest = DeltaTable(folder(lake, table))
    if version is None:
        return newest
    if not 0 <= version <= newest.version():
        raise NotFound.of(f"table '{table}' has no such version", got=version, allowed=f"0 to {newest.version()}")
    try:
        newest.load_as_version(version)
    except DeltaError as problem:
        raise NotFound.of(f"version {version} of table '{table}' is gone: {problem}") from problem
    if lost := gone(newest):
        raise NotFound.of(f"version {version} of table '{table}' was let go by its retention", got=f"{lost} is gone")
    return newest
