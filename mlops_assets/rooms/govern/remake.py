"""Runs in a brought-back environment with the code of that time: reads every fingerprint again, and trains again.

Its one promise outlives releases: `main(folder)` reads `snapshot.json` and the pinned lake in a folder that was brought
back, and writes `remade.json`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_assets import keys
from mlops_assets.rooms.train.blend import Before, older
from mlops_assets.rooms.train.declared import Declared
from mlops_assets.rooms.train.fit import MANIFEST, refit
from mlops_assets.rooms.train.identity import Ingredients, ingredients
from mlops_assets.rooms.train.select import leaderboard
from mlops_assets.rooms.train.snapshot import Snapshot
from mlops_assets.rooms.train.training_set import examples
from mlops_assets.rooms.train.tuning import Variant
from mlops_assets.stores import bundle, provenance
from mlops_assets.stores.delta import DeltaLake

if TYPE_CHECKING:
    from mlops_assets.rooms.train.select import Leaderboard
    from mlops_assets.rooms.train.training_set import Examples
    from mlops_assets.spec.plan import ModelPlan

MADE_OF = ("commit", "tree", "diff", "omitted", "room")
"""What a model's manifest says of its code."""

Row = dict[str, Any]


def main(folder: str) -> None:
    """Compare all that can be compared, and leave `remade.json`."""
    root = Path(folder)
    told = json.loads((root / "snapshot.json").read_text())
    rows = list(compared(root, told))
    (root / "remade.json").write_text(json.dumps(rows, indent=2))


def compared(root: Path, told: Row) -> Iterator[Row]:
    """A row for each part: what was recorded, and what is found now."""
    snapshot, lake = Snapshot.of(told), DeltaLake(root / "data" / "lake")
    plan = Declared.read(snapshot.declared).plan(root / "code")
    for table, (number, mark) in snapshot.inputs.items():
        yield _row("data", f"{table} version {number}", mark, lake.fingerprint(table, version=int(number)))
    parts = ingredients(lake, plan)
    yield from _code(root, snapshot, parts)
    yield _row("environment", "distributions", snapshot.environment, parts.environment)
    yield _row("parameters", "declaration", snapshot.parameters, parts.parameters)
    recorded = snapshot.digest if snapshot.version else f"{told['error']}: {told['message']}"
    yield _row(
        "model" if snapshot.version else "failure",
        snapshot.model,
        recorded,
        _again(lake, plan, snapshot, root / "model"),
    )


def retrained(lake: DeltaLake, plan: "ModelPlan", snapshot: Snapshot, model: Path | None = None) -> str:
    """The digest of the model that the same ingredients make; a fit that it was blended with is one of them."""
    rows = lake.read(keys.table(plan.name, "training_set"))
    train = examples(rows, plan, "train")
    board = compared_board(train, plan, snapshot)
    code = {name: snapshot.code[name] for name in MADE_OF}
    made_of = {"inputs": snapshot.inputs, "code": code, "environment": snapshot.environment}
    held = examples(rows, plan, "holdout") if plan.model.train.refit else None
    before = _before(model) if model and plan.model.train.blend else None
    fitted = refit(train, board, plan, made_of=made_of, held=held, before=before)
    return bundle.digest({**fitted.files, bundle.MODEL_FILE: bundle.dumps(fitted.pipeline)})


def _before(model: Path) -> Before | None:
    """The earlier fit that the model was blended with, taken as it stands in the model."""
    note = json.loads((model / MANIFEST).read_text()).get("blended")
    return Before(older(bundle.loads((model / bundle.MODEL_FILE).read_bytes())), **note) if note else None


def compared_board(train: "Examples", plan: "ModelPlan", snapshot: Snapshot) -> "Leaderboard":
    """Every candidate compared again; what a search had found is taken as it was."""
    variant = Variant(**json.loads(snapshot.searched)) if snapshot.searched else None
    return leaderboard(train, plan, variant)


def _again(lake: DeltaLake, plan: "ModelPlan", snapshot: Snapshot, model: Path) -> str:
    try:
        return retrained(lake, plan, snapshot, model)
    except Exception as error:  # noqa: BLE001 - whatever fails is compared with what failed then
        return f"{type(error).__name__}: {error}"


def _code(root: Path, snapshot: Snapshot, parts: Ingredients) -> Iterator[Row]:
    state = provenance.code_state(root / "code")
    yield _row("code", "commit", snapshot.code["commit"], state.commit)
    yield _row("code", "tree", snapshot.code["tree"], state.tree)
    yield _row("code", "uncommitted patch", snapshot.code["diff"], state.diff)
    yield _row("code", "platform", snapshot.code["package"], provenance.files_digest(provenance.PACKAGE))
    yield _row("code", "train room", snapshot.code["room"], parts.code)


def _row(part: str, name: str, recorded: object, found: object) -> Row:
    return {"part": part, "name": name, "recorded": recorded, "found": found, "same": recorded == found}
