"""The one place that decides to train again: causes, each with its evidence, against the limits that were declared."""

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

from mlops_assets.rooms.retrain.causes import Finding, findings
from mlops_assets.rooms.retrain.evidence import Evidence, Request
from mlops_assets.rooms.retrain.limits import held, paused
from mlops_assets.spec.model import Model


@dataclass(frozen=True)
class Decision:
    """Yes or no, and why.

    Attributes:
        retrain: the answer.
        reason: in plain words.
        findings: the causes that hold, also those that a limit holds back; the most urgent first.
    """

    retrain: bool
    reason: str
    findings: tuple[Finding, ...] = ()

    @property
    def causes(self) -> tuple[str, ...]:
        """The names of the causes that carry a yes; of all that are held back when it is a no."""
        carrying = [finding for finding in self.findings if not (self.retrain and finding.held)]
        return tuple(dict.fromkeys(finding.cause for finding in carrying))

    def request(self, evidence: Evidence) -> Request:
        """What a yes is remembered as: with the windows whose alarms it knew of, so that none is a cause again."""
        windows = tuple(window for finding in self.findings for window in finding.windows)
        return Request(
            evidence.clock,
            evidence.labels,
            causes=self.causes,
            windows=windows,
            code=evidence.code,
            contract=evidence.contract,
        )


def decide(model: Model, evidence: Evidence) -> Decision:
    """Weigh the causes against switch, cooldown, budget, persistence and the minimum of new labels.

    A pure function: the same declaration and evidence, the same decision.
    """
    found = findings(model, evidence)
    if stopped := (paused(model, evidence) or _too_little(model, evidence)):
        return Decision(False, stopped, tuple(replace(finding, held=stopped) for finding in found))
    found = tuple(replace(f, held=f.held or held(model, evidence, f.cause)) for f in found)
    if not found:
        return Decision(False, f"no cause as of {evidence.clock:%Y-%m-%d %H:%M}")
    free = [finding for finding in found if not finding.held]
    if free:
        return Decision(True, "; ".join(f"{f.cause}: {f.evidence}" for f in free), found)
    return Decision(False, "; ".join(dict.fromkeys(f.held for f in found)), found)


def request_key(model: Model, evidence: Evidence, decision: Decision) -> str:
    """Of a request: the same for the same evidence, of which the earlier requests are a part."""
    body: dict[str, Any] = {
        "model": model.name,
        "number": len(evidence.requests) + 1,
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
