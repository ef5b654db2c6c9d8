"""A stream enters a Delta table in its order, and in one commit, however long it is.

Delta's writer shares the pieces of a stream out among as many tasks as there are cores, and takes them as they come
back: within a piece the rows keep their order, the pieces do not. What fits into one piece is handed over so. Each
piece of a longer stream is written by itself, to a copy of the table that holds its log and links to its files; then
the files of all pieces are linked into the table itself, numbered, and their commits become one.
"""

import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mlops_assets.stores.files import live, root

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

    from mlops_assets.stores.rows import Kept

_LOG = "_delta_log"


def write(table: "Path | DeltaTable", rows: "Kept", **how: Any) -> None:
    """Write rows as `write_deltalake` does, and keep their order.

    Args:
        table: an empty folder, or the version that is replaced.
        rows: in pieces, of which few are in memory at a time.
        how: the arguments of `write_deltalake`.

    Raises:
        CommitFailedError: somebody else wrote first; a stream of more than one piece conflicts with every commit.
        DeltaError: an empty folder is a table by now.
    """
    from deltalake import write_deltalake

    pieces = _ahead(rows.pieces())
    begun = list(islice(pieces, 2))
    if not begun[1:]:
        write_deltalake(table, _stream(rows.schema, begun), **how)
        return
    with _copied(table, rows.spool) as copy:
        for piece in chain(_let_go(begun), pieces):
            write_deltalake(copy, _stream(rows.schema, [piece]), **how)
            how = {"mode": "append", "writer_properties": how["writer_properties"]}
        if isinstance(table, Path):
            _publish(copy, table, 0)
        else:
            _publish(copy, root(table), table.version() + 1)
            table.update_incremental()


def _stream(schema: "pa.Schema", pieces: "list[pa.RecordBatch]") -> "pa.RecordBatchReader":
    import pyarrow as pa

    return pa.RecordBatchReader.from_batches(schema, pieces)


def _ahead(pieces: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
    """Each is read while the one before is written."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, pieces, None)
        while (piece := coming.result()) is not None:
            coming = pool.submit(next, pieces, None)
            yield piece


def _let_go(pieces: "list[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
    """One after another, none held longer than it is needed."""
    while pieces:
        yield pieces.pop(0)


@contextmanager
def _copied(table: "Path | DeltaTable", spool: Path) -> Iterator[Path]:
    """A table of its own with the log up to the version that is held, and its files, none of them copied."""
    copy = spool / uuid4().hex
    (copy / _LOG).mkdir(parents=True)
    try:
        if not isinstance(table, Path):
            for file in (root(table) / _LOG).glob("0*"):
                if int(file.name[:20]) <= table.version():
                    os.link(file, copy / _LOG / file.name)
            for name in live(table):
                os.link(name, copy / Path(name).name)
        yield copy
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _publish(copy: Path, folder: Path, number: int) -> None:
    """Make one commit of those that a copy has from a number on: its file appears at once, or is another's already."""
    from deltalake.exceptions import CommitFailedError

    commits = [_actions(file) for file in sorted((copy / _LOG).glob("0*.json")) if int(file.stem) >= number]
    adds = [action["add"] for commit in commits for action in _adds(commit)]
    one, linked = uuid4(), []
    for place, add in enumerate(adds):
        name = f"part-{place:05}-{one}-c000.parquet"
        os.link(copy / add["path"], folder / name)
        linked.append(folder / name)
        add["path"] = name
    rest = [action for action in commits[0] if "add" not in action]
    whole = copy / "commit"
    whole.write_text("\n".join(map(json.dumps, [*rest, *({"add": add} for add in adds)])), encoding="utf-8")
    try:
        (folder / _LOG).mkdir(exist_ok=True)
        os.link(whole, folder / _LOG / f"{number:020}.json")
    except FileExistsError as taken:
        for file in linked:
            file.unlink()
        raise CommitFailedError(f"version {number} was written by others") from taken


def _actions(commit: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in commit.read_text(encoding="utf-8").splitlines() if line.strip()]


def _adds(commit: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted((action for action in commit if "add" in action), key=lambda action: str(action["add"]["path"]))
