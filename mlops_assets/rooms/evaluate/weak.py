"""Where a model is weakest, found without being told where to look: every feature's values, worst first."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.evaluate.slices import MIN_ROWS, parts
from mlops_assets.rooms.train.metric import Metric

if TYPE_CHECKING:
    from mlops_assets.rooms.evaluate.evidence import Evidence
    from mlops_assets.rooms.evaluate.slices import Slice

SHOWN: Final = 5


def weakest(evidence: "Evidence", *, shown: int = SHOWN) -> list[dict[str, Any]]:
    """The slices of at least 500 rows in which the model knows least, by its skill over the slice's own average.

    Only what is worse than on all rows is listed. Whoever looks at so many slices finds some that are bad by chance:
    the interval is told, and nothing is decided by it.
    """
    known = evidence.metrics[evidence.task.skill]
    overall = known(evidence.labels, evidence.challenger.scores)
    found = sorted(_skills(evidence, known), key=lambda pair: pair[0])
    worst = [(figure, part) for figure, part in found if figure < overall][:shown]
    return [_row(evidence, known, part, overall) for _, part in worst]


def _skills(evidence: "Evidence", known: Metric) -> "Iterator[tuple[float, Slice]]":
    for feature in evidence.holdout.features:
        for part in parts(evidence, feature.name, min_rows=MIN_ROWS):
            if part.judgeable:
                yield known(evidence.labels[part.rows], evidence.challenger.scores[part.rows]), part


def _row(evidence: "Evidence", known: Metric, part: "Slice", overall: float) -> dict[str, Any]:
    labels, scores = evidence.labels[part.rows], evidence.challenger.scores[part.rows]
    found = evidence.bootstrap.interval(known, labels, scores, evidence.blocks[part.rows])
    bounds = {"figure": found.figure, "low": found.low, "high": found.high}
    return {"rows": part.name, "n": int(part.rows.sum()), "metric": known.name, **bounds, "overall": overall}
