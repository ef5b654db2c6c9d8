"""What a challenger must show before it may be released, by name."""

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from mlops_assets.errors import TrainingError
from mlops_assets.rooms.evaluate.gate import Check, Gate
from mlops_assets.rooms.evaluate.operation import OPERATION
from mlops_assets.rooms.evaluate.overfit import learnt_by_heart
from mlops_assets.rooms.evaluate.slices import Slice, slices
from mlops_assets.rooms.train.leakage import SUSPICIOUS, declared_leaks, suspicious
from mlops_assets.rooms.train.split import held_out
from mlops_assets.rooms.train.training_set import span
from mlops_assets.spec.model import GUARDS, OBJECTIVES, TaskName

if TYPE_CHECKING:
    from mlops_assets.rooms.evaluate.evidence import Evidence, Scored
    from mlops_assets.rooms.train.bootstrap import Interval

MAX_OFF: Final[Mapping[TaskName, float]] = {"binary": 0.05, "multiclass": 0.1, "regression": 0.15}
"""How far scores may be off: in probability, or in standard deviations of the outcome."""
OFF_SLACK: Final = 0.2
"""By how much of that they may be further off than the incumbent's."""
SLICE_LOSS: Final = 0.02
SLICE_SHARE: Final = 0.05
MANIFEST_KEYS: Final = (
    *("task", "features", "threshold", "candidate", "train_rows", "baseline"),
    *("inputs", "code", "environment"),
)


def complete(evidence: "Evidence") -> Gate:
    """The evidence is whole: enough rows, outcomes that differ, sane scores, a manifest with all that it needs."""
    rows, asked = len(evidence.labels), evidence.model.evaluate.min_rows
    faults = [] if rows >= asked else [f"{rows} rows to judge on, of at least {asked} (evaluate.min_rows)"]
    faults += [why] if (why := evidence.task.undecided(evidence.labels)) else []
    wild = [who.number for who in _both(evidence) if evidence.task.wild(who.scores)]
    faults += [f"version {number} gives scores that are no {evidence.task.name} scores" for number in wild]
    lacking = [key for key in MANIFEST_KEYS if evidence.challenger.manifest.get(key) is None]
    faults += [f"the manifest lacks {', '.join(lacking)}"] if lacking else []
    return Gate("complete", not faults, "; ".join(faults) or f"{rows} rows whose outcomes differ", rows, asked)


def unseen(evidence: "Evidence") -> Gate:
    """Neither model was trained on a row that it is judged on."""
    start, _ = span(evidence.holdout.rows)
    if start is None:
        return _hashed(evidence)
    seen = [who.number for who in _both(evidence) if _reaches(who, start)]
    if seen:
        versions = ", ".join(map(str, seen))
        return Gate("unseen", False, f"version {versions} was trained on rows from {start:%Y-%m-%d %H:%M} on")
    return Gate("unseen", True, f"training ended before {start:%Y-%m-%d %H:%M}")


def _hashed(evidence: "Evidence") -> Gate:
    """The same for rows that are held out by a hash: whoever held out a smaller share has seen some of them."""
    asked = held_out(evidence.plan)
    by, share = ", ".join(asked["by"]), asked["share"]
    for who in _both(evidence):
        known = who.manifest.get("held_out") or {}
        if known.get("by") != asked["by"]:
            before = f"by {', '.join(known['by'])}" if known else "in a way that it does not tell"
            reason = f"version {who.number} was trained when other rows were held out: {before}, not by {by}"
            return Gate("unseen", False, reason)
        if known["share"] < share:
            reason = (
                f"version {who.number} was trained when {known['share']:g} of the rows were held out, and has seen"
                f" some of the {share:g} that it is judged on (train.holdout_share)"
            )
            return Gate("unseen", False, reason, known["share"], share)
    return Gate("unseen", True, f"{share:g} of the rows are held out by a hash of {by}, for every version")


def leakage(evidence: "Evidence") -> Gate:
    """No feature reads what is known only later, and none alone tells the outcomes apart: it would know the answer."""
    declared = declared_leaks(evidence.plan)
    if declared:
        names = ", ".join(f"{name} reads {column}" for name, column in declared.items())
        return Gate("leakage", False, f"known only afterwards: {names}", float(len(declared)), 0.0)
    found = suspicious(evidence.holdout)
    if found:
        names = ", ".join(f"{name} ({figure:.3f})" for name, figure in found.items())
        return Gate("leakage", False, f"alone nearly perfect: {names}", max(found.values()), SUSPICIOUS)
    return Gate("leakage", True, "no feature alone is nearly perfect", None, SUSPICIOUS)


def objective(evidence: "Evidence") -> Gate:
    """The challenger is better than the incumbent, with the interval clear of zero; or not worse, if that is asked."""
    if evidence.champion and evidence.champion.number == evidence.challenger.number:
        return Gate("objective", False, "the challenger is the champion: nothing has changed", 0.0, 0.0)
    found = evidence.difference(evidence.objective.name)
    if evidence.lenient:
        return _not_worse(evidence, found)
    clear = found.low > 0
    verb = "beats" if clear else "is worse than" if found.high < 0 else "does not clearly beat"
    reason = f"{evidence.objective.name}: the challenger {verb} {evidence.incumbent_name} by {_signed(found)}"
    reason += "" if clear else learnt_by_heart(evidence)
    return _with_interval("objective", clear, reason, found, 0.0)


def _not_worse(evidence: "Evidence", found: "Interval") -> Gate:
    """Of a champion's own recipe on newer rows: a few held-out days cannot show a small gain, but they show a harm."""
    passed = found.high >= 0
    verb = "is not clearly worse than" if passed else "is clearly worse than"
    reason = f"{evidence.objective.name}: the challenger {verb} {evidence.incumbent_name}: {_signed(found)}"
    return _with_interval("objective", passed, reason, found, 0.0)


def guard(evidence: "Evidence") -> Gate:
    """No guarded metric is worse than the incumbent's by more than was declared; the figure is the worst excess."""
    declared = evidence.model.evaluate.guard
    guarded = GUARDS[evidence.task.name] if declared is None else declared
    if not guarded:
        return Gate("guard", True, "no metric is guarded")
    lenient, least = evidence.lenient, "at least " if evidence.lenient else ""
    losses = {name: -evidence.difference(name).high if lenient else _loss(evidence, name) for name in guarded}
    broken = [
        f"{name} is worse than that of {evidence.incumbent_name} by {least}{losses[name]:.4f}, allowed {allowed:g}"
        for name, allowed in guarded.items()
        if losses[name] > allowed
    ]
    worst = max(losses[name] - allowed for name, allowed in guarded.items())
    return Gate("guard", not broken, "; ".join(broken) or "no guarded metric is worse than allowed", worst, 0.0)


def skill(evidence: "Evidence") -> Gate:
    """The challenger knows more than the average of the very rows that it is judged on, or not less than a champion.

    A dry week's own average is hard to beat for any forecast of rain. To refuse a challenger for that would leave a
    champion in force that knows no more, which is why it is asked of the two together where only harm is to refuse.
    """
    known = evidence.metrics[evidence.task.skill]
    found = evidence.bootstrap.interval(known, evidence.labels, evidence.challenger.scores, evidence.blocks)
    word, like = "more" if found.figure > 0 else "no more", ""
    if found.figure <= 0 and evidence.lenient and evidence.difference(known.name).high >= 0:
        like = f", nor does {evidence.incumbent_name} clearly know more"
    return _with_interval(
        "skill", found.figure > 0 or bool(like), f"it knows {word} than these rows' own average{like}", found, 0.0
    )


def calibration(evidence: "Evidence") -> Gate:
    """Scores mean what they say: nearly so on average, or about as near as the incumbent's on the same rows."""
    known = evidence.metrics[evidence.task.calibration]
    found = evidence.bootstrap.interval(known, evidence.labels, evidence.challenger.scores, evidence.blocks)
    usual = MAX_OFF[evidence.task.name]
    allowed = max(usual, known(evidence.labels, evidence.incumbent) + usual * OFF_SLACK)
    passed = (found.low if evidence.lenient else found.figure) <= allowed
    unit = " standard deviations" if evidence.task.name == "regression" else ""
    reason = f"scores are off by {found.figure:.3f}{unit} on average, allowed {allowed:.3f}"
    return _with_interval("calibration", passed, reason, found, allowed)


def harmless(evidence: "Evidence") -> Gate:
    """No slice is worse than the incumbent's by more than is bearable, its interval clear of zero (Holm, 1979)."""
    known = {part.name: _of_slice(evidence, part) for part in slices(evidence) if part.judgeable}
    if not known:
        declared = ", ".join(evidence.model.evaluate.slices)
        return Gate("slices", True, f"no slice by {declared} can be judged" if declared else "no slices are declared")
    name, worst = min(known.items(), key=lambda item: item[1].figure)
    bearable = _bearable(evidence)
    harmed = sorted(_clearly_worse(known, 1 - evidence.model.evaluate.confidence, bearable))
    fine = f"{len(known)} slices, none clearly worse; the worst is {name}"
    reason = f"worse in {', '.join(harmed)}" if harmed else fine
    return _with_interval("slices", not harmed, reason, worst, -bearable)


GATES: Final[Mapping[str, Check]] = {
    "complete": complete,
    "unseen": unseen,
    "leakage": leakage,
    "objective": objective,
    "guard": guard,
    "skill": skill,
    "calibration": calibration,
    "slices": harmless,
    **OPERATION,
}


def _both(evidence: "Evidence") -> tuple["Scored", ...]:
    return tuple(who for who in (evidence.challenger, evidence.champion) if who)


def _loss(evidence: "Evidence", name: str) -> float:
    known = evidence.metrics[name]
    figures = known(evidence.labels, evidence.challenger.scores), known(evidence.labels, evidence.incumbent)
    if not all(map(isfinite, figures)):
        raise TrainingError.of(f"{name} is undefined on these rows", got=figures)
    return -known.gain(*figures)


def _reaches(who: "Scored", start: datetime) -> bool:
    until = who.twin_until or who.manifest["trained_until"]
    if until is None:
        raise TrainingError.of(f"version {who.number} does not say until when it was trained")
    return datetime.fromisoformat(until) >= start


def _of_slice(evidence: "Evidence", part: Slice) -> "Interval":
    labels, blocks = evidence.labels[part.rows], evidence.blocks[part.rows]
    pair = evidence.challenger.scores[part.rows], evidence.incumbent[part.rows]
    return evidence.bootstrap.difference(evidence.objective, labels, *pair, blocks)


def _bearable(evidence: "Evidence") -> float:
    """By how much a slice may be worse: .02 of a share, or a twentieth of the incumbent's own error."""
    if evidence.objective.name in OBJECTIVES["binary"] + OBJECTIVES["multiclass"]:
        return SLICE_LOSS
    return SLICE_SHARE * abs(evidence.objective(evidence.labels, evidence.incumbent))


def _clearly_worse(found: Mapping[str, "Interval"], alpha: float, bearable: float = SLICE_LOSS) -> list[str]:
    harmed = []
    ranked = sorted(found.items(), key=lambda item: _p_value(item[1]))
    for place, (name, difference) in enumerate(ranked):
        if _p_value(difference) > alpha / (len(ranked) - place):
            break
        if difference.figure < -bearable:
            harmed.append(name)
    return harmed


def _p_value(difference: "Interval") -> float:
    if difference.error == 0:
        return 0.0 if difference.figure < 0 else 1.0
    return NormalDist().cdf(difference.figure / difference.error)


def _with_interval(name: str, passed: bool, reason: str, found: "Interval", threshold: float) -> Gate:
    return Gate(name, passed, reason, found.figure, threshold, found.low, found.high)


def _signed(found: "Interval") -> str:
    return f"{found.figure:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"
