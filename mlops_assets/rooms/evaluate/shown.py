"""What the prediction service has shown of a challenger, where it was stressed or stood in the champion's shadow.

The reports are read from the lineage, under the version that they are about: `stress` by `mlops stress`, `shadow` by
`<model>/shadow_report`. A challenger without one is judged by what else is known of it.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.evaluate.gate import Check, Gate

if TYPE_CHECKING:
    from mlops_assets.rooms.evaluate.evidence import Evidence
    from mlops_assets.stores.lineage import Lineage

FEW: Final = 30
"""Known outcomes below which a shadow's loss decides nothing."""


def stress(lineage: "Lineage") -> Check:
    """At the knee of its stress report the challenger is as fast as declared: p99 in time, and answers enough."""

    def check(evidence: "Evidence") -> Gate:
        found = _newest(lineage, "stress", evidence, lambda _: True)
        limits = evidence.model.evaluate.limits
        if found is None:
            step = f"mlops stress {evidence.model.name} --version {evidence.challenger.number}"
            return Gate("stress", True, f"it was not stressed ({step})", None, limits.latency_ms, measured=True)
        late, few = found["p99_ms"] > limits.latency_ms, found["throughput"] < (limits.throughput or 0.0)
        faults = [f"p99 is {found['p99_ms']:.1f} ms, allowed {limits.latency_ms:g}"] if late else []
        faults += [f"{found['throughput']:,.0f} answers a second, asked {limits.throughput:,.0f}"] if few else []
        fine = f"at the knee {found['throughput']:,.0f} answers a second, p99 {found['p99_ms']:.1f} ms"
        reason = "; ".join(faults) or fine
        return Gate("stress", not faults, reason, found["p99_ms"], limits.latency_ms, measured=True)

    return check


def shadow(lineage: "Lineage") -> Check:
    """In the champion's shadow the challenger was not clearly further from the truth on the questions of the day."""

    def check(evidence: "Evidence") -> Gate:
        other = evidence.champion.number if evidence.champion else None
        found = _newest(lineage, "shadow", evidence, lambda body: body["champion"] == other)
        if found is None:
            return Gate("shadow", True, "it never stood beside this champion", None, 0.0, measured=True)
        if found["loss"] is None or found["labelled"] < FEW:
            reason = f"{found['labelled']} outcomes of its shadow are known, fewer than {FEW}"
            return Gate("shadow", True, reason, None, 0.0, measured=True)
        worse = found["low"] > 0
        verb = "clearly further from" if worse else "not clearly further from"
        reason = f"on {found['labelled']} live questions {verb} the truth than version {other}: {found['loss']:+.5f}"
        return Gate("shadow", not worse, reason, found["loss"], 0.0, found["low"], found["high"], measured=True)

    return check


SHOWN: Final[Mapping[str, "Callable[[Lineage], Check]"]] = {"stress": stress, "shadow": shadow}


def _newest(
    lineage: "Lineage", kind: str, evidence: "Evidence", fits: Callable[[Mapping[str, Any]], bool]
) -> Mapping[str, Any] | None:
    """The newest report of a kind on exactly this challenger."""
    told = (record.body for record in reversed(lineage.records(kind, evidence.model.name)))
    return next((body for body in told if body["version"] == evidence.challenger.number and fits(body)), None)
