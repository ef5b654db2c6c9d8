"""The challenger: the chosen candidate trained on all training rows, registered once, with a snapshot of its making."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mlops_assets import keys
from mlops_assets.rooms.label.tasks import of_manifest
from mlops_assets.rooms.train import blend
from mlops_assets.rooms.train import board as boards
from mlops_assets.rooms.train.fit import MANIFEST, REFERENCE, manifest_of, refit
from mlops_assets.rooms.train.identity import ingredients
from mlops_assets.rooms.train.inputs import frame, from_manifest
from mlops_assets.rooms.train.select import Leaderboard
from mlops_assets.rooms.train.snapshot import Snapshot, capture, code_root
from mlops_assets.rooms.train.threads import one_thread
from mlops_assets.rooms.train.training_set import Examples, examples
from mlops_assets.stores.provenance import code_state

if TYPE_CHECKING:
    import pandas as pd

    from mlops_assets.spec.plan import ModelPlan
    from mlops_assets.stores.lake import Lake
    from mlops_assets.stores.lineage import Lineage
    from mlops_assets.stores.registry import Bundle, ModelVersion, Registry

EXAMPLE_ROWS = 5


@dataclass(frozen=True)
class Challenger:
    """What one training left behind.

    Attributes:
        bundle: as the registry gives it back.
        manifest: what the model is.
        board: by which it was chosen.
        snapshot: what it was made of.
        changed: False when the same ingredients had made this version before.
        seconds: of training; 0 when there was none.
    """

    bundle: "Bundle"
    manifest: Mapping[str, Any]
    board: Leaderboard
    snapshot: Snapshot
    changed: bool
    seconds: float

    @property
    def version(self) -> "ModelVersion":
        """In the registry."""
        return self.bundle.version


def challenge(
    lake: "Lake", registry: "Registry", lineage: "Lineage", plan: "ModelPlan", *, tags: Mapping[str, str]
) -> Challenger:
    """Train and register the challenger; the same ingredients give the version that they gave before.

    Raises:
        NotFound: there is no leaderboard of the newest training set.
    """
    begun = time.perf_counter()
    parts = ingredients(lake, plan)
    board, read = boards.load(lake, plan, parts.identity), inputs_read(lake, plan)
    state = code_state(code_root(plan))
    known = registry.by_identity(plan.name, parts.identity)
    tags = {**tags, **{f"version/{table}": str(number) for table, (number, _) in read.items()}}
    made_of = {"inputs": read, "code": asdict(state) | {"room": parts.code}, "environment": parts.environment}
    version = known or _train(lake, registry, plan, board, identity=parts.identity, made_of=made_of, tags=tags)
    run = tags.get("dagster_run", "")
    snapshot = capture(lineage, plan, parts, read=read, version=version, dagster_run=run, searched=board.searched)
    snapshot = Snapshot.of(snapshot.record(lineage).body)
    bundle = registry.load(version)
    seconds = 0.0 if known else time.perf_counter() - begun
    return Challenger(bundle, manifest_of(bundle.files), board, snapshot, known is None, seconds)


def inputs_read(lake: "Lake", plan: "ModelPlan") -> dict[str, list[Any]]:
    """The version and fingerprint of the training set, and of every table that it was made of."""
    name = keys.table(plan.name, "training_set")
    commit = lake.history(name)[-1]
    read: dict[str, list[Any]] = json.loads(commit["inputs"])
    return {**read, name: [lake.version(name), lake.fingerprint(name)]}


def faults(challenger: Challenger) -> list[str]:
    """What is missing in the challenger's bundle, or does not work; empty when it is whole."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = challenger.bundle.files
    missing = [f"no {name}" for name in (MANIFEST, REFERENCE) if name not in files]
    if missing:
        return missing
    rows = pq.read_table(pa.BufferReader(files[REFERENCE]))
    if not rows.num_rows:
        return [f"{REFERENCE} is empty"]
    task = of_manifest(challenger.manifest)
    with one_thread():
        scores = task.scores(challenger.bundle.pipeline, frame(rows, from_manifest(challenger.manifest)))
    wild = task.wild(scores)
    return [f"{wild} scores that are no {task.name} scores"] if wild else []


def _train(
    lake: "Lake",
    registry: "Registry",
    plan: "ModelPlan",
    board: Leaderboard,
    *,
    identity: str,
    made_of: Mapping[str, Any],
    tags: Mapping[str, str],
) -> "ModelVersion":
    rows, declared = lake.read(keys.table(plan.name, "training_set")), plan.model.train
    train = examples(rows, plan, "train")
    held = examples(rows, plan, "holdout") if declared.refit else None
    before = _before(registry, plan, train)
    with registry.training(plan.name, tags=tags) as run:
        run.params({"candidate": board.chosen, **plan.model.train.model_dump(mode="json")})
        fitted = refit(train, board, plan, made_of=made_of, held=held, before=before)
        learnt = float(fitted.manifest["train_rows"])
        run.metrics({**board.winner.metrics, "skill": board.winner.skill, "train_rows": learnt})
        run.metrics({f"{board.objective}_{entry.candidate}": entry.objective for entry in board.entries})
        return run.register(
            fitted.pipeline,
            example=_example(train),
            files=fitted.files,
            tags={**tags, "candidate": board.chosen},
            identity=identity,
        )


def _before(registry: "Registry", plan: "ModelPlan", train: Examples) -> blend.Before | None:
    """The champion's own fit, where it is to answer beside the new one."""
    weight, champion = plan.model.train.blend, registry.champion(plan.name)
    if weight is None or champion is None:
        return None
    known = registry.load(champion)
    return blend.before(known, manifest_of(known.files), train, weight)


def _example(train: Examples) -> "pd.DataFrame":
    """A few rows whose types can be told: a category that is missing in all of them would have none."""
    texts = [feature.name for feature in train.features if feature.kind == "category"]
    return train.frame.head(EXAMPLE_ROWS).fillna(dict.fromkeys(texts, ""))
