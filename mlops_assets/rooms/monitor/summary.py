"""A reference, summed up once: no row of it is read again, in this process or in a later one."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mlops_assets.rooms.monitor.chunks import Chunks, stretches
from mlops_assets.rooms.monitor.encoding import SCORE, Column, Encoding, learn
from mlops_assets.rooms.monitor.faults import Bounds, Usual, bounds
from mlops_assets.rooms.monitor.reference import chunks_of
from mlops_assets.rooms.monitor.rows import Picked, spread
from mlops_assets.rooms.monitor.sums import Sums, sums_of
from mlops_assets.rooms.train.inputs import Feature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mlops_assets.rooms.monitor.reference import Reference
    from mlops_assets.stores.cache import Cache

STATISTICS: Final = ("chunks", "encoding", "faults", "reference", "rows", "summary", "sums")
"""The modules on whose code a summary depends."""


@dataclass(frozen=True)
class Summary:
    """All of a reference that windows of one size class are held against.

    Attributes:
        encoding: of the columns.
        chunks: of the reference; days, or stretches as long as the window.
        sums: of the chunks.
        bounds: what faults are held against.
        day: rows of a day, in the median.
    """

    encoding: Encoding
    chunks: Chunks
    sums: Sums
    bounds: Bounds
    day: float


def summary(reference: "Reference", window: int, *, kept: int = 0, held: "Cache | None" = None) -> Summary:
    """Sum up a reference for windows of so many rows, or find what was summed up before.

    Args:
        reference: of a model.
        window: rows of a window; under a day's, the reference is cut into stretches of as many.
        kept: rows of the reference, evenly spread, that are compared with; 0: all.
        held: where summaries are kept, by the content of the reference and this code; None: nowhere.
    """
    count = kept or reference.rows.num_rows
    chunks = reference.chunks if count == reference.rows.num_rows else chunks_of(spread(reference.rows, count))
    day = float(np.median(chunks.sizes()))
    stretch = window if window < day else 0
    if held is None or not reference.digest:
        return _summed(reference, count, chunks, stretch, day)
    model, key = str(reference.manifest.get("model", "")), _key(reference.digest, count, stretch)
    found = held.get(model, key)
    if found is None:
        found = dumps(_summed(reference, count, chunks, stretch, day))
        held.put(model, key, found)
    return loads(found)


def dumps(summed: Summary) -> bytes:
    """A summary as bytes, without pickle: arrays as NumPy writes them, and a JSON text of what is no array."""
    encoding, known = summed.encoding, summed.bounds
    features = [asdict(column.feature) for column in encoding.columns]
    named = {
        "features": features,
        "categories": [column.edges.tolist() if _category(column.feature) else None for column in encoding.columns],
        "usual": [
            [asdict(usual.feature), usual.seen.tolist() if _category(usual.feature) else None] for usual in known.usual
        ],
        "chunks": [_cut(summed.chunks), _cut(known.chunks)],
        "day": summed.day,
    }
    arrays: dict[str, NDArray[Any]] = {
        "named": np.frombuffer(json.dumps(named).encode(), np.uint8),
        "weights": encoding.weights,
        "sizes": summed.chunks.sizes(),
        "known_sizes": known.chunks.sizes(),
        "marked": known.marked,
        **{f"values_{n}": column.values for n, column in enumerate(encoding.columns)},
        **{f"edges_{n}": column.edges for n, column in enumerate(encoding.columns) if not _category(column.feature)},
        **{f"seen_{n}": usual.seen for n, usual in enumerate(known.usual) if not _category(usual.feature)},
        **{f"sums_{name}": getattr(summed.sums, name) for name in ("rows", "counts", "moments", "steps")},
    }
    target = BytesIO()
    np.savez(target, allow_pickle=False, **arrays)
    return target.getvalue()


def loads(content: bytes) -> Summary:
    """Read what `dumps` gave: the same numbers, bit by bit."""
    with np.load(BytesIO(content), allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files}
    named = json.loads(arrays["named"].tobytes())
    columns, first = [], 0
    for n, (feature, categories) in enumerate(zip(named["features"], named["categories"], strict=True)):
        edges = arrays[f"edges_{n}"] if categories is None else np.array(categories, dtype=object)
        columns.append(
            Column(
                SCORE if n == len(named["features"]) - 1 else Feature(**feature), edges, first, arrays[f"values_{n}"]
            )
        )
        first += columns[-1].size
    usual = tuple(
        Usual(Feature(**feature), arrays[f"seen_{n}"] if seen is None else np.array(seen, dtype=str))
        for n, (feature, seen) in enumerate(named["usual"])
    )
    chunks, known = (
        _chunks(cut, arrays[name]) for cut, name in zip(named["chunks"], ("sizes", "known_sizes"), strict=True)
    )
    sums = Sums(*(arrays[f"sums_{name}"] for name in ("rows", "counts", "moments", "steps")))
    encoding = Encoding(tuple(columns), arrays["weights"])
    return Summary(encoding, chunks, sums, Bounds(usual, known, arrays["marked"]), named["day"])


def _summed(reference: "Reference", count: int, chunks: Chunks, stretch: int, day: float) -> Summary:
    rows = spread(reference.rows, count)
    if not chunks.in_time:
        order = np.argsort(chunks.codes, kind="stable")
        rows, chunks = Picked(rows, order), Chunks(chunks.codes[order], chunks.count, in_time=False, week=1)
    if stretch:
        chunks = stretches(chunks, stretch)
    encoding = learn(rows, reference.features)
    sums = sums_of(encoding, rows, chunks.codes)
    return Summary(encoding, chunks, sums, bounds(reference, chunks), day)


def _key(digest: str, count: int, stretch: int) -> str:
    return hashlib.sha256(f"{digest} {count} {stretch} {_statistics()} {np.__version__}".encode()).hexdigest()


@cache
def _statistics() -> str:
    """Of the code that sums up: another code never reads what this one kept."""
    folder = Path(__file__).parent
    return hashlib.sha256(b"".join((folder / f"{name}.py").read_bytes() for name in STATISTICS)).hexdigest()


def _category(feature: Feature) -> bool:
    return feature.kind == "category"


def _cut(chunks: Chunks) -> dict[str, Any]:
    return {"in_time": chunks.in_time, "week": chunks.week}


def _chunks(cut: dict[str, Any], sizes: "NDArray[np.int64]") -> Chunks:
    """Chunks of those sizes; which row is in which is not kept."""
    return Chunks(np.repeat(np.arange(len(sizes)), sizes), len(sizes), **cut)
