"""Champion and challenger on the same questions: who agrees, who flips, how scores move, who is nearer the truth."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BINS: Final = 10
TINY: Final = 1e-4
SMALLEST: Final = 0.01
LARGEST: Final = 0.10


@dataclass(frozen=True)
class Comparison:
    """What a shadow has shown.

    Attributes:
        rows: that both have answered.
        agreement: share of equal answers; of a regression, of values within 1 % of the spread.
        flips: answers that became yes, and that became no.
        shift: of the mean score, challenger less champion.
        drift: of the scores' distribution, as the population stability index.
        latency_ratio: of the challenger's time for an answer to the champion's; None when it was not measured.
        labelled: rows whose outcome is known.
        loss: of the challenger less the champion's, a labelled row: below 0 the challenger is nearer the truth.
        low: of its 95 % interval.
        high: of its 95 % interval.
    """

    rows: int
    agreement: float
    flips: tuple[int, int]
    shift: float
    drift: float
    latency_ratio: float | None = None
    labelled: int = 0
    loss: float | None = None
    low: float | None = None
    high: float | None = None

    def figures(self) -> dict[str, float | int | None]:
        """As numbers that are plotted over time."""
        told = {name: value for name, value in vars(self).items() if name != "flips"}
        return {**told, "flips_to_yes": self.flips[0], "flips_to_no": self.flips[1]}


def compare(
    champion: "Floats",
    challenger: "Floats",
    *,
    threshold: float | None,
    outcomes: "Floats | None" = None,
    seconds: tuple[float, float] | None = None,
) -> Comparison:
    """Compare two scores a row.

    Args:
        champion: its scores.
        challenger: its scores, of the same rows.
        threshold: of a yes; None where scores are values.
        outcomes: NaN where none is known; left out: none is.
        seconds: that each took for an answer.
    """
    import numpy as np

    if threshold is None:
        spread = float(np.std(champion)) or 1.0
        agreement, flips = float((np.abs(champion - challenger) <= spread / 100).mean()), (0, 0)
    else:
        before, after = champion >= threshold, challenger >= threshold
        agreement = float((before == after).mean())
        flips = int((after & ~before).sum()), int((before & ~after).sum())
    known = _paired(champion, challenger, outcomes)
    ratio = seconds[1] / seconds[0] if seconds and seconds[0] > 0 else None
    shift = float((challenger - champion).mean())
    return Comparison(len(champion), agreement, flips, shift, stability(champion, challenger), ratio, **known)


def stability(before: "Floats", after: "Floats") -> float:
    """The population stability index over the tenths of the scores before (Siddiqi, 2006).

    >>> import numpy as np
    >>> stability(np.arange(100.0), np.arange(100.0))
    0.0
    """
    import numpy as np

    edges = np.quantile(before, np.linspace(0, 1, BINS + 1)[1:-1])
    shares = [np.bincount(np.searchsorted(edges, s, side="right"), minlength=BINS) / len(s) for s in (before, after)]
    first, second = (np.maximum(share, TINY) for share in shares)
    return float(((second - first) * np.log(second / first)).sum())


def suggested_share(requests: int, *, deviation: float, effect: float, power: float = 0.8) -> float:
    """The share of a day's requests that shows a difference of this size within that day, between 1 % and 10 %.

    Args:
        requests: a day.
        deviation: of the paired difference, a row.
        effect: the smallest difference that matters.
        power: with which it is to be seen, at 5 %.

    >>> suggested_share(100_000, deviation=0.1, effect=0.002)
    0.19...
    """
    sought = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(power)
    needed = math.ceil((sought * deviation / effect) ** 2)
    return needed / max(requests, 1)


def within_bounds(share: float) -> float:
    """A share that a live trial may take.

    >>> within_bounds(0.4), within_bounds(0.0001)
    (0.1, 0.01)
    """
    return min(max(share, SMALLEST), LARGEST)


def _paired(champion: "Floats", challenger: "Floats", outcomes: "Floats | None") -> dict[str, Any]:
    """The mean difference of squared errors (of a probability: the Brier score), with its normal interval."""
    import numpy as np

    known = np.isfinite(outcomes) if outcomes is not None else np.zeros(len(champion), bool)
    count = int(known.sum())
    if outcomes is None or count < 2:  # noqa: PLR2004 - one row has no spread
        return {"labelled": count}
    away = (challenger[known] - outcomes[known]) ** 2 - (champion[known] - outcomes[known]) ** 2
    mean, error = float(away.mean()), float(away.std(ddof=1)) / math.sqrt(count)
    reach = NormalDist().inv_cdf(0.975) * error
    return {"labelled": count, "loss": mean, "low": mean - reach, "high": mean + reach}


def words(found: Comparison, names: Sequence[str]) -> list[tuple[str, str]]:
    """A line a figure, for a person.

    Args:
        found: the comparison.
        names: of champion and challenger.
    """
    rows: Mapping[str, str] = {
        "compared": f"{names[1]} with {names[0]} on {found.rows:,} questions",
        "same answer": f"{found.agreement:.2%}",
        "flips at the threshold": f"{found.flips[0]:,} to yes, {found.flips[1]:,} to no",
        "mean score moved by": f"{found.shift:+.4f}",
        "drift of the scores (PSI)": f"{found.drift:.4f}",
        "the model's own time": "not measured" if found.latency_ratio is None else f"{found.latency_ratio:.2f} times",
        "squared error, challenger less champion": "no outcomes yet"
        if found.loss is None
        else f"{found.loss:+.5f} [{found.low:+.5f}, {found.high:+.5f}] on {found.labelled:,} known outcomes",
    }
    return list(rows.items())
