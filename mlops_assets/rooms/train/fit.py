"""Train the chosen candidate on all training rows, and write down what a reader of the model must know."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import TrainingError
from mlops_assets.rooms.train.blend import blended
from mlops_assets.rooms.train.identity import canonical
from mlops_assets.rooms.train.inputs import present
from mlops_assets.rooms.train.split import held_out
from mlops_assets.rooms.train.threads import one_thread
from mlops_assets.rooms.train.training_set import span
from mlops_assets.rooms.train.twin import JUDGED, answers, together

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa
    from sklearn.pipeline import Pipeline

    from mlops_assets.rooms.train.blend import Before
    from mlops_assets.rooms.train.select import Leaderboard
    from mlops_assets.rooms.train.training_set import Examples
    from mlops_assets.spec.model import Model
    from mlops_assets.spec.plan import ModelPlan

REFERENCE_ROWS: Final = 20_000
MANIFEST: Final = "manifest.json"
REFERENCE: Final = "reference.parquet"


@dataclass(frozen=True)
class Fitted:
    """A trained pipeline and the files that go with it.

    Attributes:
        pipeline: fitted on all training rows.
        manifest: what the model is.
        files: name to bytes, the manifest among them.
    """

    pipeline: "Pipeline"
    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]


def refit(
    examples: "Examples",
    board: "Leaderboard",
    plan: "ModelPlan",
    *,
    made_of: Mapping[str, Any],
    held: "Examples | None" = None,
    before: "Before | None" = None,
) -> Fitted:
    """Train the chosen candidate; the same input gives the same bytes.

    Args:
        examples: to train on.
        board: names the candidate, and holds its out-of-fold scores.
        plan: the declaration, and where it stands.
        made_of: `inputs`, `code` and `environment`, as the manifest keeps them.
        held: rows to learn from as well, once a twin has answered them; None: they are held out.
        before: the champion's own fit, to answer beside the new one.
    """
    pipeline = blended(_fitted(examples, board, plan), before)
    files, said = {}, {}
    if held is not None:
        files[JUDGED] = _parquet(answers(pipeline, held))
        whole = together(examples, held)
        pipeline = blended(_fitted(whole, board, plan), before)
        said = _learnt(whole.rows, examples.rows)
    said |= {"blended": before.note} if before else {}
    manifest = {**_manifest(examples, board, plan.model), **said, "held_out": held_out(plan), **made_of}
    files |= {MANIFEST: canonical(manifest).encode(), REFERENCE: _parquet(reference(examples, board))}
    return Fitted(pipeline, manifest, files)


def _fitted(examples: "Examples", board: "Leaderboard", plan: "ModelPlan") -> "Pipeline":
    build = board.winner.builder(examples.task, plan.place)
    pipeline = build(present(examples.features, examples.frame), plan.model.train.seed)
    with one_thread():
        pipeline.fit(examples.frame, examples.task.targets(examples.labels))
    return pipeline


def _learnt(whole: "pa.Table", twin: "pa.Table") -> dict[str, Any]:
    """What differs where the held-out rows are learnt from: until when the model knows, and its twin."""
    return {"train_rows": len(whole), "trained_until": _iso(span(whole)[1]), "twin_until": _iso(span(twin)[1])}


def reference(examples: "Examples", board: "Leaderboard") -> "pa.Table":
    """At most 20,000 training rows, evenly spread over time, with their label and out-of-fold score."""
    import numpy as np
    import pyarrow as pa

    picked = np.linspace(0, len(board.positions) - 1, min(REFERENCE_ROWS, len(board.positions))).astype(np.int64)
    names = ["event_time", *(feature.name for feature in examples.features), "label"]
    rows = examples.rows.take(pa.array(board.positions[picked]))
    kept = pa.table({name: rows[name] for name in names})
    for name, values in board.task.columns(board.scores[picked]).items():
        kept = kept.append_column(name, pa.array(values))
    return kept


def _manifest(examples: "Examples", board: "Leaderboard", model: "Model") -> dict[str, Any]:
    first, last = span(examples.rows)
    baseline = examples.task.baseline(examples.labels)
    return {
        "model": model.name,
        "task": examples.task.name,
        "classes": list(examples.task.classes),
        "features": [asdict(feature) for feature in examples.features],
        "threshold": model.threshold,
        "candidate": board.chosen,
        "parameters": json.loads(board.winner.parameters or "{}"),
        "importance": json.loads(board.winner.importance or "{}"),
        "coefficients": json.loads(next((e.coefficients for e in reversed(board.entries) if e.coefficients), "{}")),
        "trained_from": _iso(first),
        "trained_until": _iso(last),
        "train_rows": len(examples.labels),
        "base_rate": float(baseline.max()),
        "baseline": baseline[0].tolist() if baseline.ndim > 1 else baseline.tolist(),
        "objective": board.objective,
        "metrics": dict(board.winner.metrics),
        "seed": model.train.seed,
        **({"group": model.train.group} if model.train.group is not None else {}),
    }


def _iso(moment: "datetime | None") -> str | None:
    return moment.isoformat() if moment else None


def _parquet(rows: "pa.Table") -> bytes:
    import pyarrow.parquet as pq

    target = BytesIO()
    pq.write_table(rows, target, compression="zstd")
    return target.getvalue()


def manifest_of(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Read a bundle's manifest.

    Raises:
        TrainingError: the bundle has none.
    """
    if MANIFEST not in files:
        raise TrainingError.of("a model without a manifest", got=", ".join(files), allowed=MANIFEST)
    found: dict[str, Any] = json.loads(files[MANIFEST])
    return found
