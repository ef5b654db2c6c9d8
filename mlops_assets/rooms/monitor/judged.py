"""A window, judged: the row that history keeps, and the page that a person reads."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.monitor import history, window, words
from mlops_assets.rooms.monitor.asked import asked
from mlops_assets.rooms.monitor.cutting import answers
from mlops_assets.rooms.monitor.evidently_report import drawn
from mlops_assets.rooms.monitor.page import STORY, Page
from mlops_assets.rooms.monitor.pictures import drift_picture
from mlops_assets.rooms.monitor.reference import floats, reference
from mlops_assets.rooms.monitor.rows import Rows, sample
from mlops_assets.rooms.monitor.season import matched
from mlops_assets.rooms.monitor.skew import skewed
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.predictions import PredictionLog
from mlops_assets.stores.reports import safe

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.rooms.monitor.drift import DriftFigures
    from mlops_assets.rooms.monitor.encoding import Floats
    from mlops_assets.rooms.monitor.reference import Reference
    from mlops_assets.stores.cache import Cache
    from mlops_assets.stores.registry import Registry


DRAWN: Final = 100_000
"""Scores of which a picture is drawn, at most."""


@dataclass(frozen=True)
class Judged:
    """What becomes of a window.

    Attributes:
        row: of the history.
        words: the verdict, plain.
        calm: nothing asks for attention.
        picture: small, PNG.
        html: the whole page.
        snapshot: what Evidently's own UI reads; empty: there is none.
    """

    row: Mapping[str, Any]
    words: str
    calm: bool
    picture: bytes
    html: str
    snapshot: str = ""


def judge_drift(lake: Lake, registry: "Registry", *, plan: ModelPlan, name: str, held: "Cache | None" = None) -> Judged:
    """Judge the scores and features of a window, without its labels; what is summed up of the reference is kept."""
    with asked(lake, plan, name) as given:
        known = reference(registry.load(registry.get(plan.name, given.version)))
        against = matched(known, given.start, given.end)
        rate, seed = plan.model.monitor.false_alarm_rate, plan.model.train.seed
        figures = against.drift(given.rows, false_alarm_rate=rate, seed=seed, held=held)
        figures = replace(figures, faults=(*figures.faults, *skewed(lake, plan, given.rows)))
        row = {**given.head(), **figures.row(), **against.row()}
        past = [*history.before(lake, plan.name, "drift_report", row), row]
        picture = drift_picture(_scores(given.rows), _scores(against.reference.rows), past)
        page = _page(plan.name, figures, row, against.words, picture)
        shown = drawn(page, given.rows, against.reference, figures, row)
    return Judged(row, page.words, figures.reaction == "none", picture, shown.html, shown.snapshot)


def _page(model: str, figures: "DriftFigures", row: Mapping[str, Any], against: str, picture: bytes) -> Page:
    name, known = row["window"], f"{row['reference_rows']:,} out-of-fold scores of its training rows"
    return Page(
        title=f"{model}: drift in {name}",
        subtitle=f"{looked_at(row)} against {known}: {against}",
        alarm=figures.reaction != "none",
        words=words.drift_words(figures),
        lines=words.drift_lines(figures),
        picture=picture,
        answers=words.drift_answers(figures),
        details=words.drift_details(figures),
        links=[(f"how good the answers in {name} were", f"../performance_report/{safe(name)}.html"), STORY],
    )


def _scores(rows: Rows) -> "Floats":
    return floats(sample(rows, ["score"], DRAWN), "score")


def answered(
    lake: Lake, registry: "Registry", log: PredictionLog, plan: ModelPlan, name: str
) -> "tuple[pa.Table, Reference]":
    """The answers of a window, and the reference of the version that gave them."""
    given = answers(lake, log, plan, name)
    version = registry.get(plan.name, given["model_version"][0].as_py())
    return given, reference(registry.load(version))


def head(name: str, given: "pa.Table") -> dict[str, Any]:
    """What a row of the history begins with."""
    version = given["model_version"][0].as_py()
    return {"window": name, "model_version": version, **window.span(given), "n": given.num_rows}


def looked_at(row: Mapping[str, Any]) -> str:
    """How many answers, of when and by whom."""
    of = f" of {row['window_start']:%Y-%m-%d} to {row['window_end']:%Y-%m-%d}" if row["window_start"] else ""
    return f"{row['n']:,} answers{of} by version {row['model_version']}"
