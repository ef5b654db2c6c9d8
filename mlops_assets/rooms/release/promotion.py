"""The only way to the alias `champion`: with a recorded verdict for exactly this challenger."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_assets.errors import NoVerdict
from mlops_assets.rooms.evaluate.verdict import Verdict

if TYPE_CHECKING:
    from mlops_assets.stores.lineage import Lineage
    from mlops_assets.stores.registry import ModelVersion, Registry


@dataclass(frozen=True)
class Released:
    """What a release did.

    Attributes:
        version: the champion now.
        verdict: by which it became champion.
        changed: False when it already was.
    """

    version: "ModelVersion"
    verdict: Verdict
    changed: bool


def latest_verdict(lineage: "Lineage", model: str) -> Verdict:
    """The newest recorded verdict on a model.

    Raises:
        NoVerdict: there is none.
    """
    record = lineage.latest("verdict", model)
    if record is None:
        raise NoVerdict.of(f"no verdict is recorded for model '{model}'", step=f"materialize {model}/verdict")
    return Verdict.of(record.body)


def release(
    registry: "Registry", lineage: "Lineage", model: str, verdict: Verdict, *, trained_until: str | None
) -> Released:
    """Make the challenger of a verdict the champion; doing it again changes nothing.

    The record is written before the alias moves, so that a kill between the two is mended by the next run.

    Raises:
        NoVerdict: the verdict is not recorded, not the newest, refuses, or is about other bytes.
        Damaged: the records do not hold together.
    """
    lineage.verify()
    newest = latest_verdict(lineage, model)
    _entitled(model, verdict, newest)
    version = registry.get(model, verdict.challenger)
    if version.digest != verdict.challenger_digest:
        raise NoVerdict.of(
            f"version {version.number} of model '{model}' is not what the verdict is about",
            got=version.digest,
            allowed=verdict.challenger_digest,
            step="judge it again",
        )
    body = {
        "version": version.number,
        "digest": version.digest,
        "decision": verdict.decision,
        "who": "verdict",
        "evidence": verdict.digest,
        "replaces": verdict.champion,
        "trained_until": trained_until,
        "at": verdict.at,
    }
    lineage.append("release", model, body, once=f"release:{model}:{verdict.digest}")
    champion = registry.champion(model)
    changed = champion is None or champion.number != version.number
    if changed:
        registry.promote(version, evidence=verdict.digest)
    return Released(version, verdict, changed)


def _entitled(model: str, verdict: Verdict, newest: Verdict) -> None:
    if verdict.model != model:
        raise NoVerdict.of("the verdict is about another model", got=verdict.model, allowed=model)
    if verdict.digest != newest.digest:
        raise NoVerdict.of(
            f"the verdict on version {verdict.challenger} of model '{model}' is not recorded, or a newer one stands",
            got=verdict.digest,
            allowed=newest.digest,
            step="judge the challenger again",
        )
    if not verdict.accepted:
        reasons = "; ".join(gate.reason for gate in verdict.failed())
        raise NoVerdict.of(
            f"version {verdict.challenger} of model '{model}' was refused",
            got=f"{verdict.decision}: {reasons}",
            allowed="ACCEPT, FIRST_MODEL",
        )
