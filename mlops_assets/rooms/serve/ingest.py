"""The service's log becomes a table: each sealed segment enters the lake exactly once, and in its stream's order."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mlops_assets import keys
from mlops_assets.rooms.label.tasks import of_manifest
from mlops_assets.rooms.serve.feedback import FOLDER
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores.appends import append, progress
from mlops_assets.stores.prediction_log import Segment, read, seal_orphans, segments, take
from mlops_assets.stores.predictions import ONLINE

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.stores.delta import DeltaLake
    from mlops_assets.stores.serving import ServingStore

RECORDS: Final = 200_000
"""Of one commit; what is left is taken by the next."""


@dataclass(frozen=True)
class Ingested:
    """What one look at the log took in.

    Attributes:
        rows: that entered the lake.
        segments: that were put aside.
        version: the table's; None when nothing was written.
        damaged: lines whose sum did not fit.
        waiting: streams of which a segment is missing, so that the later ones wait.
    """

    rows: int = 0
    segments: int = 0
    version: int | None = None
    damaged: int = 0
    waiting: tuple[str, ...] = ()


def predictions(lake: "DeltaLake", store: "ServingStore", plan: ModelPlan, log: Path) -> Ingested:
    """Take in what the service has answered for a model."""
    folder = log / plan.name
    return _taken(lake, keys.table(plan.name, "predictions"), folder, lambda found: rows(lake, store, plan, found))


def feedback(lake: "DeltaLake", plan: ModelPlan, log: Path) -> Ingested:
    """Take in what was told of a model's predictions."""
    return _taken(lake, keys.table(plan.name, "feedback"), log / FOLDER / plan.name, _told)


def _taken(
    lake: "DeltaLake", table: str, folder: Path, to_rows: Callable[[Sequence[dict[str, Any]]], "pa.Table"]
) -> Ingested:
    seal_orphans(folder)
    found = segments(folder)
    known = progress(lake, table, sorted({segment.stream for segment in found}))
    due, old, waiting = _due(found, known)
    for segment in old:  # the lake had them, and its writer died before it could put them aside
        take(segment)
    records: list[dict[str, Any]] = []
    used: list[Segment] = []
    damaged = 0
    for segment in due:
        frames = read(segment.path)
        records += frames.records
        damaged += frames.damaged
        used.append(segment)
        if len(records) >= RECORDS:
            break
    if not used:
        return Ingested(segments=len(old), waiting=waiting)
    newest = {segment.stream: segment.number for segment in used}
    version = append(lake, table, to_rows(records), batch=ONLINE, streams=newest)
    for segment in used:
        take(segment)
    return Ingested(len(records), len(used) + len(old), version, damaged, waiting)


def _due(
    found: Iterable[Segment], known: Mapping[str, int | None]
) -> tuple[list[Segment], list[Segment], tuple[str, ...]]:
    """Segments that are next in their stream, those that the lake has already, and the streams with a gap."""
    due, old, waiting = [], [], set()
    expected = {stream: 0 if number is None else number + 1 for stream, number in known.items()}
    for segment in found:
        if segment.number < expected[segment.stream]:
            old.append(segment)
        elif segment.number == expected[segment.stream]:
            due.append(segment)
            expected[segment.stream] += 1
        else:
            waiting.add(segment.stream)
    return due, old, tuple(sorted(waiting))


def rows(lake: "DeltaLake", store: "ServingStore", plan: ModelPlan, records: Sequence[Mapping[str, Any]]) -> "pa.Table":
    """Records of the log as rows of the table of predictions."""
    import pyarrow as pa

    clean = keys.table(plan.dataset.name, "clean")
    kinds = lake.read(clean, batches=[]).schema if lake.exists(clean) else pa.schema([])
    asked = pa.array([datetime.fromtimestamp(each["t"] / 1e6, UTC) for each in records], pa.timestamp("us", tz="UTC"))
    columns: dict[str, Any] = {"prediction_id": pa.array([each["id"] for each in records], pa.string())}
    for name in plan.dataset.key:
        kind = kinds.field(name).type if name in kinds.names else pa.string()
        values = [each.get("key", {}).get(name) for each in records]
        columns[name] = _typed(values, kind)
    columns["event_time"] = asked
    columns |= _scores(store, plan, records)
    columns["model_version"] = pa.array([each["v"] for each in records], pa.int64())
    columns["role"] = pa.array([each["role"] for each in records], pa.string())
    columns["inputs"] = pa.array([json.dumps(each["in"]) if "in" in each else None for each in records], pa.string())
    columns["latency_us"] = pa.array([each["us"] for each in records], pa.int64())
    columns["feature_age_s"] = pa.array([each.get("age") for each in records], pa.float64())
    return pa.table(columns)


def _typed(values: Sequence[Any], kind: "pa.DataType") -> "pa.Array":
    """A key's values in the dataset's type; one that does not fit it is null, and stays readable in the log."""
    import pyarrow as pa

    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([_fitting(value, kind) for value in values], kind)


def _fitting(value: Any, kind: "pa.DataType") -> Any:
    import pyarrow as pa

    try:
        return pa.scalar(value, kind).as_py()
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None


def _scores(store: "ServingStore", plan: ModelPlan, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Score and answer, as the batch scoring of this task writes them."""
    import pyarrow as pa

    if not records:
        return {}
    digest = store.released(plan.name)
    task = of_manifest(store.load(plan.name, digest).manifest) if digest else None
    if task is not None and task.name == "multiclass":
        named = {f"probability_{name}": [each["scores"].get(name, 0.0) for each in records] for name in task.classes}
        best = [max(each["scores"].values()) for each in records]
        probabilities = {name: pa.array(values, pa.float64()) for name, values in named.items()}
        answers = pa.array([each["answer"] for each in records], pa.string())
        return {"score": pa.array(best, pa.float64()), **probabilities, "answer": answers}
    scores = pa.array([each.get("score", each.get("value")) for each in records], pa.float64())
    said = scores if "value" in records[0] else pa.array([each["answer"] for each in records], pa.bool_())
    return {"score": scores, "answer": said}


def _told(records: Sequence[Mapping[str, Any]]) -> "pa.Table":
    import pyarrow as pa

    def moment(name: str) -> "pa.Array":
        values = [datetime.fromtimestamp(each[name], UTC) for each in records]
        return pa.array(values, pa.timestamp("us", tz="UTC"))

    labels = [None if each["label"] is None else json.dumps(each["label"]) for each in records]
    return pa.table(
        {
            "prediction_id": pa.array([each["id"] for each in records], pa.string()),
            "label": pa.array(labels, pa.string()),
            "kind": pa.array([each["kind"] for each in records], pa.string()),
            "known_at": moment("at"),
            "told_at": moment("told"),
            "who": pa.array([each["who"] for each in records], pa.string()),
        }
    )
