"""The serving bundle: all that a service needs to answer, in one immutable folder without pickle, MLflow or Dagster.

`manifest.json` says what the model is, takes and answers, and holds the SHA-256 of every other file: `model.skops`,
`model.onnx` where the parity gate let it pass, `environment.lock`, and `card.html`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

from mlops_assets import keys
from mlops_assets.rooms.features.views import views
from mlops_assets.rooms.release.environment import model_lock
from mlops_assets.rooms.release.explanation import explanation
from mlops_assets.rooms.release.onnx import Export, expected, export, tables
from mlops_assets.rooms.release.schema import schema
from mlops_assets.rooms.train.fit import REFERENCE, manifest_of
from mlops_assets.rooms.train.inputs import frame, from_manifest
from mlops_assets.stores import bundle as bytes_of
from mlops_assets.stores.serving import ServingStore

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from mlops_assets.rooms.features.recipe import Recipe
    from mlops_assets.rooms.release.formats import Format
    from mlops_assets.spec.plan import ModelPlan
    from mlops_assets.stores.registry import Bundle, Registry

FORMAT: Final = 1
GOLDEN: Final = 24
ONNX: Final = "model.onnx"
CARD: Final = "card.html"
LOCK: Final = "environment.lock"
LIBRARIES: Final = ("scikit-learn", "numpy", "onnx", "onnxruntime", "skl2onnx", "skops")
SETTINGS: Final = {"workers": 1, "batch_size": 64, "in_flight": 256}


def put(
    store: ServingStore,
    bundle: "Bundle",
    plan: "ModelPlan",
    *,
    card: str,
    made: Export | None = None,
    formats: "Sequence[Format]" = (),
    recipes: "Sequence[Recipe]" = (),
) -> str:
    """Build the serving bundle of a version and keep it; the same version gives the same bundle.

    Args:
        store: keeps it.
        bundle: of the version.
        plan: its declaration.
        card: the model card.
        made: what became of the export; left out: it is made here.
        formats: the figures by which the format was chosen.
        recipes: how the features of a request are made online; left out: they are looked up by key alone.

    Returns:
        Its digest, under which the store loads it.
    """
    made = made or exported(bundle)
    model = bundle.model or bytes_of.dumps(bundle.pipeline)
    files = {bytes_of.MODEL_FILE: model, LOCK: model_lock(model).text(), CARD: card.encode()}
    if made.model is not None:
        files[ONNX] = made.model
    said = manifest(bundle, plan, made, settings=store.settings(plan.name), recipes=recipes)
    return store.put(plan.name, {**said, "formats": [asdict(each) for each in formats]}, files)


def exported(bundle: "Bundle") -> Export:
    """The ONNX export of a version, held to its gate."""
    told = manifest_of(bundle.files)
    rows = _asked(bundle, _reference(bundle))
    return export(bundle.pipeline, from_manifest(told), rows, threshold=_threshold(told))


def publish(
    store: ServingStore,
    registry: "Registry",
    bundle: "Bundle",
    plan: "ModelPlan",
    *,
    card: str,
    evidence: str,
    made: Export | None = None,
    formats: "Sequence[Format]" = (),
    recipes: "Sequence[Recipe]" = (),
) -> str:
    """Make a released version the one that is served; doing it again changes nothing.

    Its digest stands in the registry's tag `serving_digest` before it is live.
    """
    digest = put(store, bundle, plan, card=card, made=made, formats=formats, recipes=recipes)
    registry.annotate(bundle.version, {"serving_digest": digest})
    if store.released(plan.name) != digest:
        store.release(plan.name, digest, evidence=evidence)
    return digest


def manifest(
    bundle: "Bundle",
    plan: "ModelPlan",
    made: Export,
    *,
    settings: Mapping[str, int],
    recipes: "Sequence[Recipe]" = (),
) -> dict[str, Any]:
    """What the model is, takes and answers; JSON without NaN.

    Args:
        bundle: of the version.
        plan: its declaration.
        made: what became of the export.
        settings: as a stress test has set them.
        recipes: of feature tables that are looked up by what a request holds.
    """
    told, rows, serve = manifest_of(bundle.files), _reference(bundle), plan.model.serve
    features = from_manifest(told)
    task = told.get("task", "binary")
    return {
        "format": FORMAT,
        "name": plan.name,
        "version": bundle.version.number,
        "run": bundle.version.run_id,
        "digest": bundle.version.digest,
        "description": plan.model.description,
        "engine": "onnx" if made.model is not None else "sklearn",
        "parity": made.parity.body(),
        "task": task,
        "classes": _classes(bundle.pipeline, told),
        "candidate": told.get("candidate", ""),
        "threshold": told.get("threshold"),
        "trained_until": told.get("trained_until"),
        "schema": schema(bundle.pipeline, features, rows, serve),
        "encoding": tables(made.encoded) if made.encoded is not None else None,
        "golden": _golden(bundle, rows),
        "explanation": explanation(bundle.pipeline, features, rows, task=task),
        "online": {"key": list(plan.dataset.key), "tables": _online(plan, recipes), **_key_rules(plan)},
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
        "serving": {**SETTINGS, **settings, **_declared(plan)},
        "declared": sorted(_declared(plan)),
        **_kept_to(plan),
        "expiry": plan.model.expiry.model_dump(mode="json") if plan.model.expiry else None,
    }


def _kept_to(plan: "ModelPlan") -> dict[str, Any]:
    serve = plan.model.serve
    guard = serve.guard.model_dump(mode="json") if serve.guard.armed else None
    return {"guard": guard, "shadow": serve.shadow, "canary": serve.canary, "durability": serve.durability}


def _key_rules(plan: "ModelPlan") -> dict[str, Any]:
    """What the log keeps of a key's columns, where that is not all."""
    rules = {name: plan.model.serve.rule(name) for name in plan.dataset.key}
    return {"log": rules} if set(rules.values()) - {"keep"} else {}


def outdated(told: Mapping[str, Any], plan: "ModelPlan") -> bool:
    """Whether a bundle is served otherwise than is declared by now: its rules of privacy, its guard, who is tried."""
    serve, entries = plan.model.serve, told["schema"]
    unknown = serve.unknown_categories
    return (
        any(entry["log"] != serve.rule(entry["name"]) for entry in entries)
        or any(entry["unknown"] != unknown.get(entry["name"], "refuse") for entry in entries if "unknown" in entry)
        or told["online"].get("log", {}) != _key_rules(plan).get("log", {})
        or any(told.get(name) != value for name, value in _kept_to(plan).items())
        or {name: told["serving"].get(name) for name in told.get("declared", ())} != _declared(plan)
    )


def _classes(pipeline: Any, told: Mapping[str, Any]) -> list[str]:
    """The class of each column of the scores: a pipeline may not have been shown all that the task knows."""
    if told.get("task") != "multiclass":
        return []
    return [str(told["classes"][int(place)]) for place in pipeline.classes_]


def _declared(plan: "ModelPlan") -> dict[str, int]:
    given = {name: getattr(plan.model.serve, name) for name in SETTINGS}
    return {name: value for name, value in given.items() if value is not None}


def _online(plan: "ModelPlan", recipes: "Sequence[Recipe]") -> list[dict[str, Any]]:
    """Where each feature is looked up: by the key alone where rows are kept, else by what a request holds."""
    made = {recipe.table: {"recipe": recipe.body()} for recipe in recipes}
    return [
        {
            "table": keys.table(part.table.name, "online"),
            "features": list(part.table.feature_names()),
            "clock": {"told": part.table.online.clock, "views": [view.name for view in views(part.table)]},
            **made.get(part.table.name, {}),
        }
        for part in plan.tables
    ]


def _golden(bundle: "Bundle", rows: "pa.Table") -> list[dict[str, Any]]:
    """Rows of training, evenly spread, with what scikit-learn says of each: they are asked again at every load."""
    import numpy as np
    import pyarrow as pa

    picked = rows.take(pa.array(np.linspace(0, rows.num_rows - 1, GOLDEN).astype(np.int64)))
    asked = _asked(bundle, picked)
    said = expected(bundle.pipeline, asked)
    inputs = [{name: _plain(value) for name, value in row.items()} for row in asked.to_dict("records")]
    return [{"inputs": row, "scores": scores.tolist()} for row, scores in zip(inputs, said, strict=True)]


def _plain(value: Any) -> Any:
    return None if value is None or (isinstance(value, float) and math.isnan(value)) else value


def _asked(bundle: "Bundle", rows: "pa.Table") -> "pd.DataFrame":
    return frame(rows, from_manifest(manifest_of(bundle.files)))


def _reference(bundle: "Bundle") -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pq.read_table(pa.BufferReader(bundle.files[REFERENCE]))


def _threshold(told: Mapping[str, Any]) -> float | None:
    return float(told["threshold"]) if told.get("task", "binary") == "binary" else None
