"""The leaderboard between two steps: kept in the lake, and good only for the training set and code that made it."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from mlops_assets import keys
from mlops_assets.errors import NotFound
from mlops_assets.rooms.label.inference import task_of
from mlops_assets.rooms.train.running import Running
from mlops_assets.rooms.train.select import Entry, Leaderboard
from mlops_assets.rooms.train.training_set import BATCH

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.spec.plan import ModelPlan
    from mlops_assets.stores.lake import Lake, TableVersion

OWN: Final = frozenset({"place", "identity", "chosen", "size_mb"})
APART: Final = frozenset({"running", "metrics"})
"""Not among an entry's columns: each metric has its own, and how long it took would make the same board another."""


def save(lake: "Lake", plan: "ModelPlan", board: Leaderboard, identity: str) -> "TableVersion":
    """Keep a leaderboard; its scores first, so that a leaderboard found is a whole one."""
    lake.write(scores_table(plan.name), _scores(board, identity), batch=BATCH)
    return lake.write(keys.table(plan.name, "leaderboard"), table(board, identity), batch=BATCH)


def find(lake: "Lake", plan: "ModelPlan", identity: str) -> Leaderboard | None:
    """The leaderboard that was made of the same ingredients, or None."""
    name = keys.table(plan.name, "leaderboard")
    if not lake.exists(name):
        return None
    rows = lake.read(name).sort_by("place").to_pylist()
    scores = lake.read(scores_table(plan.name)).sort_by("position")
    if {row["identity"] for row in rows} | set(scores["identity"].unique().to_pylist()) != {identity}:
        return None
    chosen = next(row["candidate"] for row in rows if row["chosen"])
    entries = tuple(_entry(row) for row in rows)
    task = task_of(plan.model, lake.read(keys.table(plan.name, "training_set"), columns=["label"])["label"])
    columns = scores["position"].to_numpy(), task.read(scores)
    return Leaderboard(entries, chosen, task.objective(plan.model), *columns, task)


def load(lake: "Lake", plan: "ModelPlan", identity: str) -> Leaderboard:
    """The leaderboard that was made of the same ingredients.

    Raises:
        NotFound: the one that is there is older than the training set, the code or the declaration.
    """
    found = find(lake, plan, identity)
    if found is None:
        step = f"materialize {plan.name}/leaderboard"
        raise NotFound.of(f"no leaderboard of the newest training set of model '{plan.name}'", step=step)
    return found


def table(board: Leaderboard, identity: str) -> "pa.Table":
    """A row a candidate, from simple to complex."""
    import pyarrow as pa

    rows: list[dict[str, Any]] = []
    for place, entry in enumerate(board.entries):
        own = {"place": place, "chosen": entry.candidate == board.chosen, "identity": identity}
        figures = {name: value for name, value in asdict(entry).items() if name not in APART}
        rows.append({**own, **figures, "size_mb": entry.running.size_mb, **entry.metrics})
    return pa.Table.from_pylist(rows)


def scores_table(model: str) -> str:
    """Where the chosen candidate's out-of-fold scores are kept.

    >>> scores_table("flight_delays")
    'flight_delays/leaderboard_scores'
    """
    return f"{keys.table(model, 'leaderboard')}_scores"


def _scores(board: Leaderboard, identity: str) -> "pa.Table":
    import pyarrow as pa

    identities = pa.array([identity] * len(board.positions))
    columns = {name: pa.array(values) for name, values in board.task.columns(board.scores).items()}
    return pa.table({"position": pa.array(board.positions), **columns, "identity": identities})


def _entry(row: dict[str, Any]) -> Entry:
    fields = {name: row[name] for name in Entry.__dataclass_fields__ if name in row}
    metrics = {name: value for name, value in row.items() if name not in fields and name not in OWN}
    return Entry(**fields, running=Running(row["size_mb"]), metrics=metrics)
