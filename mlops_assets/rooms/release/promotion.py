"""The only way to the alias `champion`: what entitles a version is recorded first, then the alias follows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mlops_assets.errors import Damaged, NoVerdict
from mlops_assets.rooms.evaluate.verdict import Verdict
from mlops_assets.rooms.release.record import RELEASE, Release, newest_record, withdrawn

if TYPE_CHECKING:
    from mlops_assets.rooms.release.approval import Approval
    from mlops_assets.stores.lineage import Lineage
    from mlops_assets.stores.registry import ModelVersion, Registry

BY_VERDICT: Final = "verdict"
MARK: Final = "release_record"
"""The tag by which the registry names the record of a release: a chain that was cut off lacks it."""


@dataclass(frozen=True)
class Released:
    """What a release did.

    Attributes:
        version: the champion now.
        release: by which it became champion.
        changed: False when it already was.
    """

    version: "ModelVersion"
    release: Release
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
    registry: "Registry",
    lineage: "Lineage",
    model: str,
    verdict: Verdict,
    *,
    trained_until: str | None,
    approval: "Approval | None" = None,
) -> Released:
    """Make the challenger of a verdict the champion; doing it again changes nothing.

    Raises:
        NoVerdict: the verdict is not recorded, not the newest, refuses, or is about other bytes; or a person has
            rolled the version back.
        Damaged: the records do not hold together.
    """
    lineage.verify()
    _entitled(model, verdict, latest_verdict(lineage, model))
    _not_withdrawn(lineage, model, verdict.challenger)
    version = registry.get(model, verdict.challenger)
    if version.digest != verdict.challenger_digest:
        raise NoVerdict.of(
            f"version {version.number} of model '{model}' is not what the verdict is about",
            got=version.digest,
            allowed=verdict.challenger_digest,
            step="judge it again",
        )
    record = Release(
        version=version.number,
        digest=version.digest,
        decision=verdict.decision,
        who=approval.who if approval else BY_VERDICT,
        evidence=verdict.digest,
        replaces=verdict.champion,
        trained_until=trained_until,
        at=verdict.at,
        role=approval.role if approval else "",
        reason=approval.note if approval else "",
        user=approval.user if approval else "",
    )
    return carry_out(registry, lineage, model, record, once=f"release:{model}:{verdict.digest}")


def carry_out(registry: "Registry", lineage: "Lineage", model: str, record: Release, *, once: str = "") -> Released:
    """Write a release down, and let the alias follow; a kill between the two is mended by `settle`."""
    lineage.append(RELEASE, model, record.body(), once=once)
    changed = settle(registry, lineage, model)
    return Released(registry.get(model, record.version), record, changed)


def settle(registry: "Registry", lineage: "Lineage", model: str) -> bool:
    """Make the alias say what the newest release says; whether it had to be moved.

    Raises:
        Damaged: the version's bytes are not those that were released.
    """
    newest = newest_record(lineage, model)
    if newest is None:
        return False
    stands, champion = Release.of(newest.body), registry.champion(model)
    if champion is not None and champion.number == stands.version:
        return False
    version = registry.get(model, stands.version)
    if version.digest != stands.digest:
        what = f"version {version.number} of model '{model}' is not what was released"
        raise Damaged.of(what, got=version.digest, allowed=stands.digest)
    registry.annotate(version, {MARK: newest.digest})
    registry.promote(version, evidence=stands.evidence)
    return True


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


def _not_withdrawn(lineage: "Lineage", model: str, version: int) -> None:
    taken = withdrawn(lineage, model, version)
    if taken is not None:
        raise NoVerdict.of(
            f"version {version} of model '{model}' was rolled back by {taken.who}",
            got=taken.reason,
            step=f"train another one, or release it by name: mlops promote {model} --version {version} --override",
        )
