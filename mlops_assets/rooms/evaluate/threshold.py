"""From which probability on a yes pays, given what a miss and a false alarm cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mlops_assets.rooms.evaluate.evidence import Evidence
    from mlops_assets.rooms.train.metric import Floats

RATIOS: Final = (1.0, 3.0, 10.0)
"""How many false alarms a miss may cost, where nothing is declared."""
LEVELS: Final = 100


@dataclass(frozen=True)
class Choice:
    """The threshold that costs least on the held-out rows.

    Attributes:
        miss: cost of a miss.
        false_alarm: cost of a false alarm.
        threshold: the probability from which a yes costs least.
        cost: a row, at that threshold.
        declared: a row, at the declared threshold.
        yes: share of rows that get a yes.
        found: share of what happened that gets a yes.
    """

    miss: float
    false_alarm: float
    threshold: float
    cost: float
    declared: float
    yes: float
    found: float


def choices(evidence: "Evidence") -> list[Choice]:
    """For the declared costs, or else for a few ratios of them; none where the answer is not yes or no."""
    if evidence.task.name != "binary":
        return []
    declared = evidence.model.evaluate.costs
    pairs: Sequence[tuple[float, float]] = [(ratio, 1.0) for ratio in RATIOS]
    if declared:
        pairs = [(declared.miss, declared.false_alarm)]
    return [_choice(evidence, miss, alarm) for miss, alarm in pairs]


def cost(outcomes: "Floats", scores: "Floats", threshold: float, miss: float, false_alarm: float) -> float:
    """Of a row, on average.

    >>> import numpy as np
    >>> cost(np.array([1.0, 0.0]), np.array([0.2, 0.9]), 0.5, miss=3, false_alarm=1)
    2.0
    """
    yes = scores >= threshold
    return float((miss * (~yes * (outcomes > 0)) + false_alarm * (yes * (outcomes == 0))).mean())


def _choice(evidence: "Evidence", miss: float, alarm: float) -> Choice:
    import numpy as np

    outcomes, scores = evidence.labels, evidence.challenger.scores
    levels = np.unique(np.quantile(scores, np.linspace(0, 1, LEVELS)))
    best = min((float(level) for level in levels), key=lambda level: cost(outcomes, scores, level, miss, alarm))
    yes = scores >= best
    declared = cost(outcomes, scores, evidence.model.threshold, miss, alarm)
    found = float(yes[outcomes > 0].mean())
    return Choice(miss, alarm, best, cost(outcomes, scores, best, miss, alarm), declared, float(yes.mean()), found)
