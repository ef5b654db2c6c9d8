"""The causes for training again: each looks at the evidence, and says what it found or nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from mlops_assets.rooms.retrain.evidence import Evidence, Window
from mlops_assets.spec.model import Model
from mlops_assets.spec.retrain import Cause


@dataclass(frozen=True)
class Finding:
    """One cause, what speaks for it, and what holds it back.

    Attributes:
        cause: its name.
        evidence: in plain words, with figures.
        windows: whose alarms no request has known of yet, as `cause:window`.
        held: the limit that says no; empty: none does.
    """

    cause: Cause
    evidence: str
    windows: tuple[str, ...] = ()
    held: str = ""


def findings(model: Model, evidence: Evidence) -> tuple[Finding, ...]:
    """The causes that hold among those that the model declares, the most urgent first."""
    return tuple(found for cause in model.retrain.causes for found in CAUSES[cause](model, evidence))


def _demand(model: Model, evidence: Evidence) -> Iterator[Finding]:
    del model
    for demand in evidence.demands:
        yield Finding("demand", demand.reason)


def _drift(model: Model, evidence: Evidence) -> Iterator[Finding]:
    yield from _alarmed("drift", evidence.drift, model, evidence)


def _performance(model: Model, evidence: Evidence) -> Iterator[Finding]:
    yield from _alarmed("performance", evidence.performance, model, evidence)


def _alarmed(
    cause: Literal["drift", "performance"], windows: tuple[Window, ...], model: Model, evidence: Evidence
) -> Iterator[Finding]:
    asked = model.retrain.persistence
    fresh = sorted((w for w in windows if _fresh(cause, w, evidence)), key=lambda window: window.known)
    newest = fresh[-asked.windows :]
    alarms = [window for window in newest if window.alarm and not window.fault]
    if not alarms:
        yield from _broken(cause, newest)
        return
    told = "; ".join(
        f"window {window.name}: {window.measure} {window.figure:.4f} against a threshold of {window.threshold:.4f}"
        for window in alarms
    )
    short = f"{len(alarms)} of the newest {asked.windows} windows alarmed, {asked.alarms} needed"
    held = f"persistence: {short}" if len(alarms) < asked.alarms else ""
    yield Finding(
        cause, told, tuple(f"{cause}:{window.name}" for window in fresh if window.alarm and not window.fault), held
    )


def _broken(cause: Literal["drift", "performance"], newest: Sequence[Window]) -> Iterator[Finding]:
    """A fault of the newest window is to be mended: it holds the cause, and is told."""
    for window in newest[-1:]:
        if window.fault:
            told = f"window {window.name} is broken: {window.fault}"
            yield Finding(cause, told, held=f"fault: {told}; it is to be mended, not learnt from")


def _fresh(cause: str, window: Window, evidence: Evidence) -> bool:
    """Whether a window is about the model in force, and no request knew of its alarm."""
    if evidence.champion and window.version not in (None, evidence.champion.number):
        return False
    return not any(f"{cause}:{window.name}" in request.windows for request in evidence.requests)


def _contract(model: Model, evidence: Evidence) -> Iterator[Finding]:
    del model
    if evidence.last and _changed(evidence.last.contract, evidence.contract):
        yield Finding("contract", f"the contract of the data was {evidence.last.contract}, and is {evidence.contract}")


def _code(model: Model, evidence: Evidence) -> Iterator[Finding]:
    del model
    if evidence.last and _changed(evidence.last.code, evidence.code):
        yield Finding("code", f"the training's code and parameters were {evidence.last.code}, and are {evidence.code}")


def _changed(before: str, now: str) -> bool:
    return bool(before and now) and before != now


def _age(model: Model, evidence: Evidence) -> Iterator[Finding]:
    limit, champion = oldest(model), evidence.champion
    if limit is None or champion is None or champion.released is None:
        return
    age = evidence.clock - champion.released
    if age >= limit:
        yield Finding("age", f"version {champion.number} was released {age.days} days ago, of {limit.days} allowed")


def oldest(model: Model) -> timedelta | None:
    """The age of a champion that is a cause; None: none is."""
    expiry = model.expiry.after if model.expiry and model.expiry.action == "retrain" else None
    return min((limit for limit in (model.retrain.max_age, expiry) if limit is not None), default=None)


def _schedule(model: Model, evidence: Evidence) -> Iterator[Finding]:
    every, last = model.retrain.every, evidence.last
    if every and last and evidence.clock - last.clock >= every:
        yield Finding("schedule", f"{(evidence.clock - last.clock).days} days since the last request")


def _new_data(model: Model, evidence: Evidence) -> Iterator[Finding]:
    last = evidence.last
    if last is None:
        yield Finding("new_data", f"{evidence.labels:,} labels have matured, and there is no model yet")
        return
    fresh = evidence.labels - last.labels
    if fresh > 0 and fresh >= model.retrain.new_data * last.labels:
        yield Finding("new_data", f"{fresh:,} labels have matured since the last request, which had {last.labels:,}")


CAUSES: Final[dict[Cause, Callable[[Model, Evidence], Iterator[Finding]]]] = {
    "demand": _demand,
    "performance": _performance,
    "contract": _contract,
    "code": _code,
    "age": _age,
    "drift": _drift,
    "schedule": _schedule,
    "new_data": _new_data,
}
"""Every cause, by its name in a declaration."""
