"""Evidently's pictures of a window against its reference, below our own verdict, with our figures and thresholds."""

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import StoreError
from mlops_assets.rooms.evaluate.report import STYLE
from mlops_assets.rooms.explore.eda import self_contained
from mlops_assets.rooms.explore.libraries import unscripted
from mlops_assets.rooms.monitor import words
from mlops_assets.rooms.monitor.rows import Rows, sample
from mlops_assets.rooms.train.inputs import Feature, frame

if TYPE_CHECKING:
    import pandas as pd

    from mlops_assets.rooms.monitor.drift import DriftFigures
    from mlops_assets.rooms.monitor.page import Page
    from mlops_assets.rooms.monitor.reference import Reference

ROWS: Final = 4_000
COLUMNS: Final = 8
FAULTS: Final = 8
"""The shares that are nearest to their bounds, or furthest beyond."""
SCORE: Final = Feature("score", "number")
TENSION: Final = "figure over threshold: {}"
PLOTS: Final = {
    "Figures over their thresholds: above 1 rings": [TENSION.format(name) for name in words.MEANING],
    "What was answered on average": ["mean score"],
    "Features that are out of bounds": ["faults"],
}
"""What Evidently's dashboard shows over time."""

_NOTE: Final = (
    "<h2>Column by column, drawn by Evidently</h2><p class=sub>Drawn: a sample of at most {rows:,} rows of each side. "
    "{left_out}The figures are ours, of all rows: a distance each, beside what one calm window in twenty passes. "
    "A column that moved is an observation: weather and season move columns every month. The verdict is the one above."
    "</p>"
)


@dataclass(frozen=True)
class Drawn:
    """A window as Evidently shows it.

    Attributes:
        html: the whole page, ours on top.
        snapshot: what Evidently's own UI reads.
    """

    html: str
    snapshot: str


def drawn(page: "Page", window: Rows, reference: "Reference", figures: "DriftFigures", row: Mapping[str, Any]) -> Drawn:
    """Evidently's report of the score and the features that moved most, with our page on top; self-contained.

    Args:
        page: ours.
        window: `score` and the features.
        reference: that it was judged against.
        figures: of the judgement.
        row: of the history.

    Raises:
        ValueError: the page would load something from elsewhere.
    """
    ranked = {name: place for place, name in enumerate(words.by_moved(figures))}
    features = sorted(reference.features, key=lambda feature: ranked.get(feature.name, len(ranked)))
    wanted = [SCORE, *features[: COLUMNS - 1]]
    here, there = shown_rows(window, wanted), shown_rows(reference.rows, wanted)
    empty = [name for name in here.columns if here[name].isna().all() or there[name].isna().all()]
    shown = [feature for feature in wanted if feature.name not in empty]
    left_out = f"Without a value on one side, and so not drawn: {', '.join(empty)}. " if empty else ""
    snapshot = _snapshot(here, there, shown, figures, _about(page, row))
    note = _NOTE.format(rows=ROWS, left_out=escape(left_out))
    html = self_contained(_insert(snapshot.get_html_str(as_iframe=False), page.section() + note))
    return Drawn(html, snapshot.dumps())


def shown_rows(rows: Rows, features: Sequence[Feature]) -> "pd.DataFrame":
    """At most 4,000 rows, evenly spread over the table, always the same."""
    return frame(sample(rows, [feature.name for feature in features], ROWS), list(features))


def _about(page: "Page", row: Mapping[str, Any]) -> dict[str, Any]:
    """What Evidently's list of reports says of a window."""
    end = row.get("window_end")
    return {
        "name": unscripted(row["window"]),
        "timestamp": end.astimezone(UTC).replace(tzinfo=None) if isinstance(end, datetime) else None,
        "tags": [str(row["reaction"]), f"version {row['model_version']}"],
        "metadata": {"verdict": unscripted(page.words), "looked at": unscripted(page.subtitle)},
    }


def _snapshot(
    here: "pd.DataFrame",
    there: "pd.DataFrame",
    features: list[Feature],
    figures: "DriftFigures",
    about: Mapping[str, Any],
) -> Any:
    os.environ["DO_NOT_TRACK"] = "1"
    with warnings.catch_warnings():
        # Evidently 0.7 imports names that litestar and NumPy have deprecated; nobody here can mend that.
        warnings.simplefilter("ignore", DeprecationWarning)
        from evidently import DataDefinition, Dataset, Report

        from mlops_assets.rooms.monitor.evidently_figure import known

    named = {feature.name: unscripted(feature.name) or "" for feature in features}
    definition = DataDefinition(
        numerical_columns=[named[feature.name] for feature in features if feature.kind == "number"],
        categorical_columns=[named[feature.name] for feature in features if feature.kind == "category"],
    )
    current, before = (
        Dataset.from_pandas(_safe(rows, features, named), data_definition=definition) for rows in (here, there)
    )
    apart = {named[name]: value for name, value in figures.columns.items() if name in named}
    measured = _measured(figures)
    with known({name: value for name, (value, _) in measured.items()}, apart):
        report = Report(
            [*_figures(measured), *_columns(figures, named)], metadata=about["metadata"], tags=about["tags"]
        )
        return report.run(current, before, name=about["name"], timestamp=about["timestamp"])


def _safe(rows: "pd.DataFrame", features: list[Feature], named: Mapping[str, str]) -> "pd.DataFrame":
    """The columns without what could end the script into which Evidently writes names and categories."""
    import pandas as pd

    return pd.DataFrame(
        {
            named[feature.name]: rows[feature.name]
            if feature.kind == "number"
            else rows[feature.name].map(unscripted, na_action="ignore")
            for feature in features
        }
    )


def _measured(figures: "DriftFigures") -> dict[str, tuple[float, float | None]]:
    """Our figures, each with what it is held against."""
    nearest = sorted(figures.faults, key=lambda fault: fault.threshold - fault.window)
    found: dict[str, tuple[float, float | None]] = {
        **{TENSION.format(shift.detector): (shift.ratio, 1.0) for shift in figures.shifts},
        "mean score": (figures.mean_score, None),
        "faults": (float(len(figures.broken)), 0.0),
    }
    shares = {
        f"share of {one.kind}: {unscripted(one.feature)}": (one.window, one.threshold) for one in nearest if one.window
    }
    shares = dict(list(shares.items())[:FAULTS])
    return {name: held for name, held in {**found, **shares}.items() if isfinite(held[0])}


def _figures(measured: Mapping[str, tuple[float, float | None]]) -> list[Any]:
    """Each figure, with the test that it is within its threshold."""
    from evidently.tests import lte

    from mlops_assets.rooms.monitor.evidently_figure import Figure

    return [
        Figure(figure=name, tests=[] if threshold is None else [lte(threshold)])
        for name, (_, threshold) in measured.items()
    ]


def _columns(figures: "DriftFigures", named: Mapping[str, str]) -> list[Any]:
    """A column each: our distance beside what is usual for it; without a judgement, only its values."""
    from evidently.metrics import ValueDrift
    from evidently.presets import ValueStats

    from mlops_assets.rooms.monitor.evidently_figure import METHOD

    if not figures.columns:
        return [ValueStats(column=column) for column in named.values()]
    return [
        ValueDrift(column=column, method=METHOD, threshold=figures.usual[name], tests=[])
        for name, column in named.items()
    ]


def _insert(html: str, section: str) -> str:
    """Put our own section first; a shadow root, which browsers open without a script, keeps the styles apart."""
    ours = f"<div><template shadowrootmode=open><style>{_scoped()}</style><main>{section}</main></template></div>"
    head, body, rest = html.partition("<body>")
    if not body:
        raise StoreError.of("Evidently's page has no <body> to put the verdict in", step="pin evidently to 0.7")
    return f"{head}{body}{ours}{rest}"


def _scoped() -> str:
    return STYLE.replace("body{", "main{")
