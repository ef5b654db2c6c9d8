"""The limits on training again: each may hold a cause back, and says why; a person's demand knows only the switch."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from mlops_assets.rooms.retrain.evidence import Evidence, Request
from mlops_assets.spec.model import Model

UNLABELLED: Final = ("code", "contract")
"""Causes that are worth a training on the labels that there were."""


def held(model: Model, evidence: Evidence, cause: str) -> str:
    """Why a cause must wait; empty when it need not."""
    if cause == "demand":
        return ""
    return next((said for limit in LIMITS if (said := limit(model, evidence, cause))), "")


def paused(model: Model, evidence: Evidence) -> str:
    """Why the model is not to be trained at all; empty when it may be."""
    if evidence.paused:
        return f"paused: {evidence.paused}"
    return "paused: retrain.paused is declared" if model.retrain.paused else ""


def cooldown(model: Model, evidence: Evidence, cause: str) -> timedelta:
    """How long a cause waits after the last request: longer each time in a row that it led to nothing."""
    declared = model.retrain
    raised = declared.cooldown * declared.backoff ** fruitless(evidence.requests, cause)
    return max(declared.cooldown, min(raised, declared.max_cooldown))


def fruitless(requests: tuple[Request, ...], cause: str) -> int:
    """How many requests in a row, up to the newest, named a cause and brought no better model."""
    count = 0
    for request in reversed(requests):
        if request.outcome == "helped":
            break
        count += cause in request.causes and request.outcome in ("refused", "failed")
    return count


def _cooling(model: Model, evidence: Evidence, cause: str) -> str:
    if evidence.last is None:
        return ""
    passed, asked = evidence.clock - evidence.last.clock, cooldown(model, evidence, cause)
    if passed >= asked:
        return ""
    times = fruitless(evidence.requests, cause)
    raised = f", raised as {cause} has led to nothing {_often(times)}" if asked > model.retrain.cooldown else ""
    return f"cooldown: {passed.days} days since the last request of {asked.days}{raised}"


def _unlabelled(model: Model, evidence: Evidence, cause: str) -> str:
    if evidence.last is None or cause in UNLABELLED:
        return ""
    fresh, asked = evidence.labels - evidence.last.labels, model.retrain.min_new_labels
    return f"too few new labels: {fresh} since the last request of {asked} needed" if fresh < asked else ""


def _spent(model: Model, evidence: Evidence, cause: str) -> str:
    del cause
    budget = model.retrain.budget
    recent = [request for request in evidence.requests if evidence.clock - request.clock < budget.period]
    if len(recent) < budget.requests:
        return ""
    return f"budget: {len(recent)} requests in {budget.period.days} days, of {budget.requests} allowed"


def _same(model: Model, evidence: Evidence, cause: str) -> str:
    """The same rows by the same code make the same challenger, whatever limits are declared away."""
    del model, cause
    last = evidence.last
    if last is None or (last.labels, last.code, last.contract) != (evidence.labels, evidence.code, evidence.contract):
        return ""
    return "nothing is new since the last request: the labels, the code and the contract are the same"


def _often(times: int) -> str:
    return {1: "once", 2: "twice"}.get(times, f"{times} times")


LIMITS: Final[tuple[Callable[[Model, Evidence, str], str], ...]] = (_cooling, _spent, _unlabelled, _same)
"""In the order in which they are asked; the first no is the reason."""
