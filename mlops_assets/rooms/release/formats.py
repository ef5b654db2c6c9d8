"""The formats that a model could be served in, measured once a version; the figures decide, and stay with the model."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.release.onnx import TOLERANCE, Export, expected, scores, session
from mlops_assets.rooms.train.inputs import frame, from_manifest
from mlops_assets.stores import bundle as bytes_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from mlops_assets.stores.lineage import Lineage
    from mlops_assets.stores.registry import Bundle, Registry

    Scores = Callable[[pd.DataFrame], NDArray[np.float64]]

RECORD: Final = "formats"
ROWS: Final = 1_000
"""That each format answers for comparison."""
LOADS: Final = 3
ASKED: Final = 15
SAFETY: Final[Mapping[str, tuple[bool, str]]] = {
    "onnx": (True, "a graph of ONNX operators: no code, nothing outside the file"),
    "skops": (True, "only types on our own list are made; no pickle"),
    "mlflow": (False, "the file itself says which types to trust"),
}
"""Whether a format may be loaded where requests are answered, and why."""
HEAD: Final = ("format", "size", "load", "a row", "off by", "safe", "why")


@dataclass(frozen=True)
class Format:
    """One format of one model.

    Attributes:
        name: onnx, skops or mlflow.
        size: bytes.
        load_ms: to load it from memory or disk, the median of three.
        row_ms: to answer one row, the median of a few.
        worst: the largest difference to the fitted pipeline's scores; None when it could not be had.
        equal: whether that is near enough.
        safe: whether it may be loaded where requests are answered.
        why: of both, in words.
        serves: whether it is the one that serves.
    """

    name: str
    size: int
    load_ms: float | None
    row_ms: float | None
    worst: float | None
    equal: bool
    safe: bool
    why: str
    serves: bool = False

    @property
    def fit(self) -> bool:
        """Whether it may serve."""
        return self.equal and self.safe and self.row_ms is not None


def known(lineage: "Lineage", registry: "Registry", bundle: "Bundle", made: Export) -> tuple[Format, ...]:
    """The figures of a version: as they were recorded, or measured now and recorded."""
    version = bundle.version
    key = f"formats:{version.model}:{version.digest}"
    found = next((r for r in lineage.records(RECORD, version.model) if r.body["digest"] == version.digest), None)
    if found is None:
        table = [asdict(each) for each in measured(registry, bundle, made)]
        body = {"version": version.number, "digest": version.digest, "formats": table}
        found = lineage.append(RECORD, version.model, body, once=key)
    return tuple(Format(**each) for each in found.body["formats"])


def measured(registry: "Registry", bundle: "Bundle", made: Export) -> tuple[Format, ...]:
    """Measure every format, and let the fastest serve of those that are equal and safe."""
    rows = _rows(bundle)
    table = [_onnx(made, rows), _skops(bundle, rows), _mlflow(registry, bundle, rows)]
    best = min((each for each in table if each.fit), key=lambda each: each.row_ms or 0.0, default=None)
    return tuple(replace(each, serves=best is not None and each.name == best.name) for each in table)


def serving(made: Export, table: Sequence[Format]) -> Export:
    """The export, if the figures let it serve; else none, with the reason."""
    chosen = next((each.name for each in table if each.serves), "")
    if made.model is None or chosen == "onnx":
        return made
    reason = f"exact, but {chosen or 'no format'} serves: {made.parity.reason}"
    return Export(replace(made.parity, reason=reason))


def told(table: Sequence[Format]) -> list[tuple[str, ...]]:
    """A row a format, as people read it."""
    return [
        (
            f"{each.name} (serves)" if each.serves else each.name,
            f"{each.size / 1000:,.0f} kB",
            _text(each.load_ms, "ms"),
            _text(each.row_ms, "ms"),
            "-" if each.worst is None else f"{each.worst:.1e}",
            "yes" if each.safe else "NO",
            each.why,
        )
        for each in table
    ]


def markdown(table: Sequence[Mapping[str, Any]]) -> str:
    """The table as Dagster shows it."""
    rows = [f"| {' | '.join(row)} |" for row in told([Format(**each) for each in table])]
    return "\n".join([f"| {' | '.join(HEAD)} |", "| --- | ---: | ---: | ---: | ---: | --- | --- |", *rows])


def _onnx(made: Export, rows: "pd.DataFrame") -> Format:
    safe, why = SAFETY["onnx"]
    if made.model is None or made.encoded is None:
        return Format("onnx", 0, None, None, None, equal=False, safe=safe, why=made.parity.reason)
    content, matrix = made.model, made.encoded.matrix(rows.head(ASKED))
    running = session(content)
    row = statistics.median(_once(partial(scores, running, matrix[n : n + 1])) for n in range(len(matrix)))
    load, parity = _median(partial(session, content), LOADS), made.parity
    return Format("onnx", len(content), load, row, parity.worst, parity.exact, safe, why)


def _skops(bundle: "Bundle", rows: "pd.DataFrame") -> Format:
    content = bundle.model or bytes_of.dumps(bundle.pipeline)
    figures = _compared(bundle, partial(expected, bytes_of.loads(content)), rows)
    return Format(
        "skops", len(content), _median(partial(bytes_of.loads, content), LOADS), **figures, **_safety("skops")
    )


def _mlflow(registry: "Registry", bundle: "Bundle", rows: "pd.DataFrame") -> Format:
    from mlops_assets.stores import door

    folder = registry.flavour(bundle.version)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    load = partial(door.pyfunc().load_model, str(folder))
    loaded = load()

    def answered(asked: "pd.DataFrame") -> "NDArray[np.float64]":
        import numpy as np

        return np.asarray(loaded.predict(asked), np.float64).reshape(len(asked), -1)

    return Format("mlflow", size, _median(load, LOADS), **_compared(bundle, answered, rows), **_safety("mlflow"))


def _safety(name: str) -> dict[str, Any]:
    safe, why = SAFETY[name]
    return {"safe": safe, "why": why}


def _compared(bundle: "Bundle", answer: "Scores", rows: "pd.DataFrame") -> dict[str, Any]:
    """How far the answers are from the fitted pipeline's, and how long one takes."""
    import numpy as np

    from mlops_assets.rooms.train.threads import one_thread

    with one_thread():
        wanted, given = expected(bundle.pipeline, rows), answer(rows)
        single = [rows.iloc[n : n + 1] for n in range(min(ASKED, len(rows)))]
        row = statistics.median(_once(partial(answer, asked)) for asked in single)
    worst = float(np.abs(wanted - given).max()) if wanted.shape == given.shape else None
    return {"row_ms": row, "worst": worst, "equal": worst is not None and worst <= TOLERANCE}


def _rows(bundle: "Bundle") -> "pd.DataFrame":
    import pyarrow as pa
    import pyarrow.parquet as pq

    from mlops_assets.rooms.train.fit import REFERENCE, manifest_of

    held = pq.read_table(pa.BufferReader(bundle.files[REFERENCE])).slice(0, ROWS)
    return frame(held, from_manifest(manifest_of(bundle.files)))


def _median(act: Callable[[], object], times: int) -> float:
    return statistics.median(_once(act) for _ in range(times))


def _once(act: Callable[[], Any]) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    act()
    return 1_000 * (time.perf_counter() - begun)


def _text(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:,.3g} {unit}"
