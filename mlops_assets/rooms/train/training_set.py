"""The exact rows that a model learns from and is judged on: matured labels with the features known at their time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from mlops_assets import keys
from mlops_assets.errors import TrainingError
from mlops_assets.rooms.label.inference import task_of
from mlops_assets.rooms.label.maturity import clock as data_clock
from mlops_assets.rooms.train.bootstrap import GROUPS, day_blocks
from mlops_assets.rooms.train.inputs import Feature, features_of, frame
from mlops_assets.rooms.train.split import GROUP, group_of, reach, seconds, side
from mlops_assets.rooms.train.window import Window, asked, choose, kept
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores.sql import connect, identifier, identifiers

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

    from mlops_assets.rooms.label.task import Task
    from mlops_assets.rooms.train.bootstrap import Times
    from mlops_assets.rooms.train.metric import Floats, Ints
    from mlops_assets.stores.lake import Lake

BATCH: Final = "window"

Inputs = Mapping[str, tuple[int, str]]
"""Table to its version and fingerprint."""


@dataclass(frozen=True)
class Examples:
    """Rows in the form that candidates are fitted on, in a fixed order.

    Attributes:
        frame: the input, a column a feature.
        labels: the outcomes, as the task counts them.
        times: of the events, UTC; None when the dataset has no event time.
        features: of the input, in order.
        rows: the rows as they stand in the training set.
        task: what is asked of them.
        groups: of the rows, from 0; None when no group is declared.
    """

    frame: "pd.DataFrame"
    labels: "Floats"
    times: "Times | None"
    features: tuple[Feature, ...]
    rows: "pa.Table"
    task: "Task"
    groups: "Ints | None" = None

    @property
    def blocks(self) -> "Ints":
        """The block of each row, in which rows are alike: its day or, without a time, its group."""
        return day_blocks(self.times, len(self.labels)) if self.groups is None else self.groups % GROUPS


def inputs(lake: "Lake", plan: ModelPlan) -> Inputs:
    """The newest version and fingerprint of every table that a training set is made of."""
    stages = [(plan.dataset.name, "clean"), (plan.name, "labels"), *((t.table.name, "offline") for t in plan.tables)]
    versions = {name: lake.version(name) for name in (keys.table(*stage) for stage in stages)}
    return {name: (number, lake.fingerprint(name, version=number)) for name, number in versions.items()}


def assemble(lake: "Lake", plan: ModelPlan, read: Inputs) -> "pa.Table":
    """The rows of `windowed`, without the reason for their window."""
    return windowed(lake, plan, read)[0]


def windowed(lake: "Lake", plan: ModelPlan, read: Inputs) -> "tuple[pa.Table, Window | None]":
    """Join matured labels with the features, and say of each row whether it is trained on or held out.

    Where windows are declared, a back-test chooses how far back the training rows reach.

    Args:
        lake: holds labels and features.
        plan: the model's.
        read: the versions of the tables to read.

    Raises:
        TrainingError: there are too few labels, or they span too little time, or the group is no column.
    """
    with connect() as connection:
        clock = data_clock(lake, plan.dataset)
        connection.execute(
            f"create temp table joined as {_joined(lake, plan, read)}", {"clock": clock} if clock else {}
        )
        _enough(connection, plan)
        query = f"select *, {side(plan)} as split from joined {reach(plan)} {_order(plan)}"
        rows = connection.execute(query).to_arrow_table()
    _both_parts(rows, task_of(plan.model, rows["label"]))
    window = choose(examples(rows, plan, "train"), plan) if asked(plan) else None
    return (rows, None) if window is None else (_within(rows, plan, window), window)


def _within(rows: "pa.Table", plan: ModelPlan, window: "Window") -> "pa.Table":
    import pyarrow as pa

    times = rows["event_time"].to_numpy().astype("datetime64[us]")
    held = rows["split"].to_numpy(zero_copy_only=False) == "holdout"
    return rows.filter(pa.array(held | kept(window, times, times[held], plan)))


def examples(rows: "pa.Table", plan: ModelPlan, split: str, features: Sequence[Feature] = ()) -> Examples:
    """One part of a training set: `train` or `holdout`; by default with the plan's features."""
    import pyarrow.compute as pc

    by = [("event_time", "ascending"), *((column, "ascending") for column in plan.dataset.key)]
    order = pc.sort_indices(rows, by)
    part = rows.take(order.filter(pc.equal(rows["split"].take(order), split).combine_chunks())).combine_chunks()
    known = tuple(features) or features_of(rows.schema, plan.features)
    timed = plan.dataset.event_time is not None
    times = part["event_time"].to_numpy().astype("datetime64[us]") if timed else None
    task = task_of(plan.model, rows["label"])
    return Examples(frame(part, known), task.outcomes(part["label"]), times, known, part, task, _groups(part))


def _groups(rows: "pa.Table") -> "Ints | None":
    """The place of each row's group among those of the rows."""
    import numpy as np

    if GROUP not in rows.column_names:
        return None
    return np.unique(rows[GROUP].to_numpy(), return_inverse=True)[1].astype(np.int64)


def span(rows: "pa.Table") -> tuple[datetime | None, datetime | None]:
    """The oldest and the newest event time of those rows."""
    import pyarrow.compute as pc

    found = pc.min_max(rows["event_time"]).as_py()
    return found["min"], found["max"]


def _joined(lake: "Lake", plan: ModelPlan, read: Inputs) -> str:
    def scan(noun: str, stage: str) -> str:
        name = keys.table(noun, stage)
        return lake.scan(name, version=read[name][0])

    key = identifiers(plan.dataset.key)
    picked = [f"l.{identifier(column)}" for column in plan.dataset.key]
    picked += ["l.event_time::timestamptz as event_time"]
    picked += [
        f"f{i}.{identifier(name)}" for i, table in enumerate(plan.tables) for name in table.table.feature_names()
    ]
    joins = [f"join {scan(t.table.name, 'offline')} as f{i} using ({key})" for i, t in enumerate(plan.tables)]
    if plan.model.train.group is not None:
        clean = scan(plan.dataset.name, "clean")
        picked.append(f"{group_of(plan, clean)} as {GROUP}")
        joins.append(f"join {clean} as c using ({key})")
    labels = scan(plan.name, "labels")
    matured = "l.status = 'labelled' and l.label is not null"
    if plan.dataset.event_time is not None:
        matured += f" and l.event_time + interval ({seconds(plan.model.target.known_after)}) second <= $clock"
        matured += " and (l.known_at is null or l.known_at <= $clock)"
    return f"select {', '.join(picked)}, l.label from {labels} as l {' '.join(joins)} where {matured}"


def _enough(connection: "duckdb.DuckDBPyConnection", plan: ModelPlan) -> None:
    train = plan.model.train
    found = connection.execute("select count(*), max(event_time) - min(event_time) from joined").fetchone()
    count, history = found or (0, None)
    if count < train.min_labels:
        raise TrainingError.of(
            f"model '{plan.name}' has too few matured labels",
            got=count,
            allowed=f"{train.min_labels} or more (train.min_labels)",
            step="wait for more outcomes",
        )
    if train.min_history and plan.dataset.event_time is not None and history < train.min_history:
        raise TrainingError.of(
            f"the labels of model '{plan.name}' span too little time",
            got=history,
            allowed=f"{train.min_history} or more (train.min_history)",
            step="wait for more outcomes",
        )


def _order(plan: ModelPlan) -> str:
    return "order by " + ", ".join(["event_time", *map(identifier, plan.dataset.key)])


def _both_parts(rows: "pa.Table", task: "Task") -> None:
    for split, step in (("train", "shorten train.holdout, or wait"), ("holdout", "lengthen train.holdout")):
        outcomes = task.outcomes(_labels(rows, split))
        why = task.undecided(outcomes)
        if why:
            raise TrainingError.of(
                f"the {split} rows tell nothing",
                got=f"{len(outcomes)} rows of {why}",
                allowed="rows of more than one",
                step=step,
            )


def _labels(rows: "pa.Table", split: str) -> "pa.ChunkedArray":
    import pyarrow.compute as pc

    return rows.filter(pc.equal(rows["split"], split))["label"]


def sizes(rows: "pa.Table", plan: ModelPlan) -> dict[str, float | int | bool | None]:
    """Rows of each part, and what its labels say."""
    task = task_of(plan.model, rows["label"])
    figures: dict[str, float | int | bool | None] = {}
    for split in ("train", "holdout"):
        outcomes = task.outcomes(_labels(rows, split))
        said = {f"{split}_{name}": value for name, value in task.figures(outcomes).items()}
        figures |= {f"{split}_rows": len(outcomes), **said}
    return figures
