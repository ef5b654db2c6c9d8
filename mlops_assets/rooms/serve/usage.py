"""How the service was used: requests, latency, answers and quality, a version and a day."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from mlops_assets import keys
from mlops_assets.rooms.serve.outcomes import numbers, outcomes
from mlops_assets.stores import sql

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.stores.lake import Lake


def usage(lake: "Lake", model: str) -> "list[dict[str, Any]]":
    """A record a day, version and role, oldest first; quality is the mean squared error of those with an outcome.

    Each row that was answered is counted; rows that came in one request are timed once.
    """
    table = keys.table(model, "predictions")
    if not lake.exists(table) or "role" not in lake.read(table, batches=[]).column_names:
        return []
    with sql.session() as connection:
        connection.register("told", _told(lake, model))
        kind = lake.read(table, batches=[]).schema.field("answer").type
        answers = "histogram(CAST(answer AS varchar))" if str(kind) in ("bool", "string") else "NULL"
        query = f"""
        SELECT CAST(event_time AT TIME ZONE 'UTC' AS date) AS day, model_version, role, count(*) AS requests,
            quantile_cont(latency_us, 0.5) / 1000 AS p50_ms, quantile_cont(latency_us, 0.99) / 1000 AS p99_ms,
            avg(score) AS mean_score, {answers} AS answers, max(feature_age_s) AS oldest_feature_s,
            count(outcome) AS labelled, avg((score - outcome) ** 2) AS squared_error
        FROM {lake.scan(table)} LEFT JOIN told USING (prediction_id)
        WHERE _batch = 'online' GROUP BY ALL ORDER BY day, model_version, role
        """
        found: list[dict[str, Any]] = connection.execute(query).to_arrow_table().to_pylist()
    return [{**day, "answers": _shares(day["answers"], day["requests"])} for day in found]


def _shares(counts: Sequence[tuple[str, int]] | None, requests: int) -> str:
    """The share of each answer, in words; empty where answers are values.

    >>> _shares([("late", 1), ("on time", 3)], 4)
    'late 25.0%, on time 75.0%'
    """
    return ", ".join(f"{answer} {count / requests:.1%}" for answer, count in counts or ())


def totals(days: Sequence[dict[str, Any]]) -> dict[str, float | int | None]:
    """What the records sum up to, for a plot over time."""
    requests = sum(day["requests"] for day in days)
    failed = sum(day.get("failed", 0) for day in days)
    days = [day for day in days if day["requests"]]
    labelled = sum(day["labelled"] for day in days)
    worst = max((day["p99_ms"] for day in days if day["p99_ms"] is not None), default=None)
    error = sum((day["squared_error"] or 0.0) * day["labelled"] for day in days) / labelled if labelled else None
    return {"requests": requests, "failed": failed, "worst_p99_ms": worst, "labelled": labelled, "squared_error": error}


def picture(days: Sequence[dict[str, Any]]) -> bytes:
    """Requests and latency by day as a small PNG."""
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 2.4), dpi=80, layout="constrained")
    left, right = figure.subplots(1, 2)
    answered = [day for day in days if day["requests"]]
    for version in sorted({day["model_version"] for day in answered}):
        own = [day for day in answered if day["model_version"] == version and day["role"] != "shadow"]
        at = np.array([day["day"] for day in own], "datetime64[D]")
        left.plot(at, [day["requests"] for day in own], marker=".", label=f"v{version}")
        right.plot(at, [day["p99_ms"] for day in own], marker=".", label=f"v{version}")
    left.set_title("requests a day", fontsize=8)
    right.set_title("p99, ms", fontsize=8)
    for axes in (left, right):
        axes.set_ylim(bottom=0)
        axes.tick_params(axis="x", labelrotation=30, labelsize=6)
        axes.legend(fontsize=6)
    png = BytesIO()
    figure.savefig(png, format="png")
    return png.getvalue()


def _told(lake: "Lake", model: str) -> "pa.Table":
    import pyarrow as pa

    told = outcomes(lake, model)
    if told is None:
        return pa.table({"prediction_id": pa.array([], pa.string()), "outcome": pa.array([], pa.float64())})
    return pa.table({"prediction_id": told["prediction_id"], "outcome": numbers(told["label"])})
