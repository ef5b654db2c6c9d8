"""What a challenger said, or would have said, to the questions that the champion was asked."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mlops_assets import keys
from mlops_assets.rooms.serve.compare import Comparison, compare
from mlops_assets.rooms.serve.engine import check_golden, engine
from mlops_assets.rooms.serve.outcomes import numbers, outcomes
from mlops_assets.stores import sql

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.stores.lake import Lake
    from mlops_assets.stores.serving import ServingStore
    from mlops_assets.stores.serving_bundles import ServingBundle

PASSES: Final = 5
REPLAYED: Final = 50_000
"""The newest questions that a replay asks again."""


@dataclass(frozen=True)
class Trial:
    """One challenger beside the champion.

    Attributes:
        champion: its version.
        challenger: its version.
        how: `live shadow`, `log replay`, or why there is nothing to compare.
        found: None where there is nothing to compare.
    """

    champion: int
    challenger: int
    how: str
    found: Comparison | None = None


def trials(lake: "Lake", store: "ServingStore", model: str) -> list[Trial]:
    """Each live challenger, by what it answered in the champion's shadow, or else by a replay of the log."""
    live = store.live(model)
    if live is None or not live.challengers:
        return []
    champion = store.load(model, live.champion)
    return [beside(lake, champion, store.load(model, digest)) for digest in live.challengers]


def beside(lake: "Lake", champion: "ServingBundle", challenger: "ServingBundle") -> Trial:
    """A challenger, by what it answered in the champion's shadow, or else by a replay of the log."""
    first, second = (int(bundle.manifest["version"]) for bundle in (champion, challenger))
    asked = _asked(lake, champion.model, first)
    if asked is None or not asked.num_rows:
        return Trial(first, second, "the champion was asked nothing yet")
    pairs = _shadowed(lake, champion.model, first, second)
    if pairs.num_rows:
        return Trial(first, second, "live shadow", _compared(champion, pairs, _timed(champion), _timed(challenger)))
    if not _replayable(champion, challenger):
        return Trial(first, second, "the log does not keep every input as it was, and no shadow is declared")
    pairs, took = _replay(champion, challenger, asked)
    return Trial(first, second, "log replay", _compared(champion, pairs, *took))


def _asked(lake: "Lake", model: str, version: int) -> "pa.Table | None":
    """The champion's newest answers, with their outcomes where they are known."""
    table = keys.table(model, "predictions")
    if not lake.exists(table) or "role" not in lake.read(table, batches=[]).column_names:
        return None
    with sql.session() as connection:
        query = f"""
        SELECT prediction_id, score, inputs FROM {lake.scan(table)}
        WHERE _batch = 'online' AND role = 'champion' AND model_version = {version} AND inputs IS NOT NULL
        ORDER BY event_time DESC LIMIT {REPLAYED}
        """
        return _with_outcomes(lake, model, connection.execute(query).to_arrow_table())


def _shadowed(lake: "Lake", model: str, champion: int, challenger: int) -> "pa.Table":
    """What both have answered; of an id that a caller gave twice the newest."""
    table = lake.scan(keys.table(model, "predictions"))

    def said(role: str, version: int) -> str:
        return f"""(SELECT prediction_id, arg_max(score, event_time) AS score FROM {table}
        WHERE _batch = 'online' AND role = '{role}' AND model_version = {version} GROUP BY prediction_id)"""

    with sql.session() as connection:
        query = f"""
        SELECT prediction_id, c.score, s.score AS other
        FROM {said("champion", champion)} c JOIN {said("shadow", challenger)} s USING (prediction_id)
        """
        return _with_outcomes(lake, model, connection.execute(query).to_arrow_table())


def _with_outcomes(lake: "Lake", model: str, rows: "pa.Table") -> "pa.Table":
    import pyarrow as pa

    told = outcomes(lake, model)
    if told is None:
        return rows.append_column("outcome", pa.nulls(rows.num_rows, pa.float64()))
    known = pa.table({"prediction_id": told["prediction_id"], "outcome": numbers(told["label"])})
    return rows.join(known, keys="prediction_id", join_type="left outer").combine_chunks()


def _replayable(champion: "ServingBundle", challenger: "ServingBundle") -> bool:
    """Whether every input of the challenger is in the log as it was asked."""
    kept = {entry["name"] for entry in champion.manifest["schema"] if entry["log"] == "keep"}
    return {entry["name"] for entry in challenger.manifest["schema"]} <= kept


def _replay(
    champion: "ServingBundle", challenger: "ServingBundle", asked: "pa.Table"
) -> "tuple[pa.Table, tuple[float, float]]":
    """The questions asked again of both, and the seconds that each took for one."""
    import pyarrow as pa

    inputs = [json.loads(text) for text in asked["inputs"].to_pylist()]
    (_, before), (scores, after) = (_answered(bundle, inputs) for bundle in (champion, challenger))
    return asked.append_column("other", pa.array(scores, pa.float64())), (before, after)


def _timed(bundle: "ServingBundle") -> float:
    """Seconds a golden row: what a shadow logs is its model's time alone, and a champion's the whole request's."""
    golden = [row["inputs"] for row in bundle.manifest["golden"]]
    return min(_answered(bundle, golden)[1] for _ in range(PASSES))


def _answered(bundle: "ServingBundle", inputs: Sequence[dict[str, Any]]) -> tuple[list[float], float]:
    made = engine(bundle)
    check_golden(bundle, made)
    rows = [tuple(each[entry["name"]] for entry in bundle.manifest["schema"]) for each in inputs]
    began = time.perf_counter()
    scores = made.scores(rows)
    return [float(row[-1]) for row in scores], (time.perf_counter() - began) / len(rows)


def _compared(champion: "ServingBundle", pairs: "pa.Table", before: float, after: float) -> Comparison:
    import numpy as np

    columns = [np.asarray(pairs[name].to_numpy(), np.float64) for name in ("score", "other", "outcome")]
    task = champion.manifest["task"]
    threshold = float(champion.manifest["threshold"]) if task == "binary" else None
    known = columns[2] if task != "multiclass" else None
    return compare(columns[0], columns[1], threshold=threshold, outcomes=known, seconds=(before, after))
