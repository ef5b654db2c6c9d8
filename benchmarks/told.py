"""What was measured comes to this: rates a cell, power at one rate, alarm against harm, the price of policies."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

import numpy as np

RATE = 0.05
HARMFUL = 0.02
"""Of AUC lost; it is not known, and counts as none, where a window's outcomes are all the same."""
OTHERS = ("evidently", "psi", "ks")
METHODS = ("ours", *OTHERS)
POLICIES = ("ours", "defaults", "judged_monthly", "monthly", "monthly_blended", "never")

Row = Mapping[str, Any]


def told(rows: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """A line a stream, and one of how far our figures of Evidently's defaults are from its own."""
    for stream in dict.fromkeys(row["stream"] for row in rows):
        mine = [row for row in rows if row["stream"] == stream]
        yield {
            "stream": stream,
            "false_alarms": false_alarms(mine),
            "shifts": shifts(of(mine, "shifted")),
            **{name: value for row in of(mine, "regret") for name, value in row.items() if name != "kind"},
        }
    looked = of(rows, "checked")
    if looked:
        yield {
            "evidently_windows": len(looked),
            "same_columns": sum(row["same"] for row in looked),
            "largest_difference": max(row["difference"] for row in looked),
        }


def false_alarms(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Share of calm windows that ring, a cell."""
    calm = sorted(of(rows, "calm") + of(rows, "large"), key=_cell)
    return {name: round(float(np.mean([row["ours"] > 1 for row in each])), 4) for name, each in groupby(calm, _cell)}


def shifts(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """A shift each: AUC lost, and the share of windows that ring, everybody at the rate of 5 % on calm windows.

    `stated`: ours, at its own threshold.
    """
    limits = _limits(rows)
    return {
        shift: {
            "harm": round(float(np.nanmean([row["harm"] for row in each])), 3),
            "stated": _share(each, "ours", 1.0),
            **{method: _share(each, method, limits[method]) for method in METHODS},
        }
        for shift, each in by(rows, "shift").items()
    }


def figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of the whole."""
    rates = [rate for mine in by(rows, "stream").values() for rate in false_alarms(mine).values()]
    return {
        "false_alarm_rate": round(float(np.mean(rates)), 4),
        "false_alarm_rate_highest": max(rates),
        **_power(of(rows, "shifted")),
        **_policies(of(rows, "regret")),
    }


def _power(rows: list[dict[str, Any]]) -> dict[str, float]:
    rang: dict[str, list[bool]] = {method: [] for method in ("stated", *METHODS)}
    curves: dict[str, list[float]] = {method: [] for method in METHODS}
    calm = [row["ours"] > 1 for row in rows if row["shift"] == "calm"]
    for mine in by(rows, "stream").values():
        limits, harmful = _limits(mine), [row for row in mine if row["harm"] > HARMFUL]
        for name in rang:
            method, limit = ("ours", 1.0) if name == "stated" else (name, limits[name])
            rang[name] += [row[method] > limit for row in harmful]
        for method in METHODS:
            curves[method].append(_curve(mine, method))
    power = {name: round(float(np.mean(each)), 3) for name, each in rang.items()}
    area = {method: float(np.mean(each)) for method, each in curves.items()}
    return {
        "power_ours": power.pop("stated"),
        "power_ours_rate": round(float(np.mean(calm)), 4),
        "power_ours_same_rate": power.pop("ours"),
        **{f"power_{method}": value for method, value in power.items()},
        "harm_auc_ours": round(area["ours"], 3),
        "harm_auc_best_other": round(max(area[method] for method in OTHERS), 3),
    }


def _policies(rows: list[dict[str, Any]]) -> dict[str, float]:
    loss = {name: float(np.mean([row[name] for row in rows])) for name in POLICIES}
    best = min(loss.values())
    return {
        **{f"regret_{name}": round(loss[name] - best, 5) for name in POLICIES},
        **{f"retrains_{name}": sum(row[f"retrains_{name}"] for row in rows) for name in POLICIES[:-1]},
    }


def _limits(rows: list[dict[str, Any]]) -> dict[str, float]:
    calm = [row for row in rows if row["shift"] == "calm"]
    return {method: float(np.quantile([row[method] for row in calm], 1 - RATE)) for method in METHODS}


def _curve(rows: list[dict[str, Any]], method: str) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score([row["harm"] > HARMFUL for row in rows], [row[method] for row in rows]))


def _share(rows: Iterable[Row], method: str, limit: float) -> float:
    return round(float(np.mean([row[method] > limit for row in rows])), 3)


def of(rows: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Those of one kind."""
    return [row for row in rows if row["kind"] == kind]


def by(rows: list[dict[str, Any]], name: str) -> dict[str, list[dict[str, Any]]]:
    """By the value of a column, in the order of their first."""
    return {value: [row for row in rows if row[name] == value] for value in dict.fromkeys(row[name] for row in rows)}


def _cell(row: Row) -> str:
    size = 50_000 if row["kind"] == "large" else row["size"]
    return f"{row['null']} {size:06d}"
