"""The one place that decides to train again: causes, each with its evidence, against the limits that were declared."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mlops_assets.spec.model import Cause, Model


@dataclass(frozen=True)
class Champion:
    """The model in force.

    Attributes:
        number: its version.
        trained_until: the newest event time that it was trained on.
    """

    number: int
    trained_until: datetime | None


@dataclass(frozen=True)
class Request:
    """An earlier request for a challenger.

    Attributes:
        clock: the data's time at which it was made.
        labels: the matured labels that there were.
    """

    clock: datetime
    labels: int


@dataclass(frozen=True)
class Window:
    """What a monitor recorded of its newest window."""

    name: str
    end: datetime
    alarm: bool
    figure: float
    threshold: float


@dataclass(frozen=True)
class Evidence:
    """All that the arbiter looks at.

    Attributes:
        clock: the newest event time seen; it stands for now.
        labels: matured labels.
        history: event time that they span.
        demands: reasons that people gave and that no request has answered yet.
    """

    clock: datetime
    labels: int
    history: timedelta
    champion: Champion | None = None
    last: Request | None = None
    drift: Window | None = None
    performance: Window | None = None
    demands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One cause and what speaks for it."""

    cause: Cause
    evidence: str


@dataclass(frozen=True)
class Decision:
    """Yes or no, and why.

    Attributes:
        findings: the causes that hold, also where a limit says no.
    """

    retrain: bool
    reason: str
    findings: tuple[Finding, ...] = ()

    @property
    def causes(self) -> tuple[str, ...]:
        """The causes' names."""
        return tuple(finding.cause for finding in self.findings)


def decide(model: Model, evidence: Evidence) -> Decision:
    """Weigh the causes against cooldown and the minimum of new labels; a person's demand does not wait."""
    short = _too_little(model, evidence)
    if short:
        return Decision(False, short)
    findings = tuple(f for f in _findings(model, evidence) if f.cause in model.retrain.causes)
    if not findings:
        return Decision(False, f"no cause as of {evidence.clock:%Y-%m-%d %H:%M}")
    if not any(f.cause == "demand" for f in findings):
        limit = _limit(model, evidence)
        if limit:
            return Decision(False, limit, findings)
    return Decision(True, "; ".join(f"{f.cause}: {f.evidence}" for f in findings), findings)


def request_key(model: Model, evidence: Evidence, decision: Decision) -> str:
    """Of a request: the same for the same evidence, so that it can be made only once."""
    body: dict[str, Any] = {
        "model": model.name,
        "clock": evidence.clock.isoformat(),
        "findings": [[f.cause, f.evidence] for f in decision.findings],
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def _too_little(model: Model, evidence: Evidence) -> str:
    if evidence.champion is not None:
        return ""
    if evidence.labels < model.train.min_labels:
        return f"no first model yet: {evidence.labels} matured labels of {model.train.min_labels} needed"
    if evidence.history < model.train.min_history:
        return f"no first model yet: labels span {evidence.history.days} days of {model.train.min_history.days} needed"
    return ""


def _findings(model: Model, evidence: Evidence) -> Iterator[Finding]:
    yield from _new_data(model, evidence)
    yield from _alarm("drift", evidence.drift, evidence.last)
    yield from _alarm("performance", evidence.performance, evidence.last)
    every = model.retrain.every
    if every and evidence.last and evidence.clock - evidence.last.clock >= every:
        yield Finding("schedule", f"{(evidence.clock - evidence.last.clock).days} days since the last request")
    for demand in evidence.demands:
        yield Finding("demand", demand)


def _new_data(model: Model, evidence: Evidence) -> Iterator[Finding]:
    if evidence.last is None:
        yield Finding("new_data", f"{evidence.labels} matured labels, and no model yet")
        return
    fresh = evidence.labels - evidence.last.labels
    if fresh > 0 and fresh >= model.retrain.new_data * evidence.last.labels:
        yield Finding("new_data", f"{fresh} labels matured since the last request, which had {evidence.last.labels}")


def _alarm(cause: Cause, window: Window | None, last: Request | None) -> Iterator[Finding]:
    if window and window.alarm and (last is None or window.end > last.clock):
        yield Finding(cause, f"window {window.name}: {window.figure:.4f} against a threshold of {window.threshold:.4f}")


def _limit(model: Model, evidence: Evidence) -> str:
    if evidence.last is None:
        return ""
    passed = evidence.clock - evidence.last.clock
    if passed < model.retrain.cooldown:
        return f"cooldown: {passed.days} days since the last request of {model.retrain.cooldown.days}"
    fresh = evidence.labels - evidence.last.labels
    if fresh < model.retrain.min_new_labels:
        return f"too few new labels: {fresh} since the last request of {model.retrain.min_new_labels} needed"
    return ""
