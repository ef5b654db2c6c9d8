"""Which rows are held out: the latest stretch or, without an event time, a share of the keys or of the groups."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import UnknownName
from mlops_assets.stores.sql import connect, identifier

if TYPE_CHECKING:
    from mlops_assets.spec.plan import ModelPlan

BUCKETS: Final = 10_000
GROUP: Final = "split_group"
"""The column of a training set that holds each row's group, where one is declared."""


def side(plan: "ModelPlan") -> str:
    """SQL of `train` or `holdout`, over the relation `joined`."""
    if plan.dataset.event_time is not None:
        held = f"event_time > (select max(event_time) from joined) - {_interval(plan.model.train.holdout)}"
    else:
        held_by = (GROUP,) if plan.model.train.group is not None else plan.dataset.key
        bucket = f"(('0x' || substr(md5({_named(held_by)}), 1, 8))::bigint % {BUCKETS})"
        held = f"{bucket} < {round(plan.model.train.holdout_share * BUCKETS)}"
    return f"case when {held} then 'holdout' else 'train' end"


def held_out(plan: "ModelPlan") -> dict[str, Any]:
    """How rows were held out, as a model's manifest keeps it: two models saw other rows where this differs.

    Returns:
        `by`: the columns whose hash says it, or the event time; and the `share` of the hashes.
    """
    train = plan.model.train
    if plan.dataset.event_time is not None:
        return {"by": [plan.dataset.event_time]}
    return {"by": [train.group] if train.group is not None else list(plan.dataset.key), "share": train.holdout_share}


def group_of(plan: "ModelPlan", clean: str) -> str:
    """SQL of a row's group as text, over labels `l` and clean rows `c`; one whose group is not known stands alone.

    Args:
        plan: the model's, with a declared group.
        clean: the relation of the clean rows.

    Raises:
        UnknownName: they have no such column.
    """
    group = plan.model.train.group or ""
    with connect() as connection:
        columns = connection.sql(f"from {clean}").columns
    if group not in columns:
        raise UnknownName.among("column for train.group", group, columns, where=f"model '{plan.name}'")
    alone = _named(plan.dataset.key, "l.")
    return f"case when c.{identifier(group)} is null then 'k' || {alone} else 'g' || c.{identifier(group)} end"


def _named(columns: Iterable[str], of: str = "") -> str:
    return f"concat_ws(chr(31), {', '.join(f'{of}{identifier(column)}::varchar' for column in columns)})"


def reach(plan: "ModelPlan") -> str:
    """SQL of how far back training looks; empty: as far as there is anything."""
    train = plan.model.train
    if train.window is None or plan.dataset.event_time is None:
        return ""
    return f"where event_time > (select max(event_time) from joined) - {_interval(train.holdout + train.window)}"


def _interval(length: timedelta) -> str:
    return f"interval ({seconds(length)}) second"


def seconds(length: timedelta) -> int:
    """A length in whole seconds, as SQL takes it."""
    return round(length.total_seconds())
