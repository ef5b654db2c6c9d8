"""What a person may do to the champion: go back to a version released before, or override a verdict for a while."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlops_assets.errors import NoVerdict
from mlops_assets.rooms.release.approval import account, entitled
from mlops_assets.rooms.release.promotion import Released, carry_out, settle
from mlops_assets.rooms.release.record import OVERRIDE, ROLLBACK, Release, releases, stack
from mlops_assets.rooms.train.fit import manifest_of
from mlops_assets.rooms.train.identity import digest

if TYPE_CHECKING:
    from datetime import timedelta

    from mlops_assets.spec.release import Release as Rule
    from mlops_assets.stores.lineage import Lineage
    from mlops_assets.stores.registry import Registry


def rollback(
    registry: "Registry",
    lineage: "Lineage",
    model: str,
    *,
    rule: "Rule",
    who: str,
    reason: str,
    role: str = "",
    to: int | None = None,
) -> Released:
    """Make a version champion that was champion before; default: the one before this one.

    The version that is taken away is not released by a verdict again: a person has seen what no gate does.

    Raises:
        NoVerdict: nobody or no reason is named, or the version was never released.
        Damaged: the records do not hold together.
    """
    lineage.verify()
    _said(rule, who, role, reason)
    settle(registry, lineage, model)
    stands, before = target(lineage, model, to)
    record = Release(
        version=before.version,
        digest=before.digest,
        decision=ROLLBACK,
        who=who.strip(),
        evidence=before.evidence,
        replaces=stands.version,
        trained_until=before.trained_until,
        at=stands.at,
        role=role.strip(),
        reason=reason.strip(),
        user=account(),
    )
    return carry_out(registry, lineage, model, record)


def override(
    registry: "Registry",
    lineage: "Lineage",
    model: str,
    version: int,
    *,
    rule: "Rule",
    who: str,
    reason: str,
    lasts: "timedelta",
    role: str = "",
    now: datetime | None = None,
) -> Released:
    """Make any version champion against its verdict, by name, with a reason, and for a time.

    Raises:
        NoVerdict: nobody or no reason is named, or it would not expire.
        NotFound: no such version.
        Damaged: the records do not hold together, or the version's bytes were changed.
    """
    lineage.verify()
    _said(rule, who, role, reason)
    if lasts.total_seconds() <= 0:
        raise NoVerdict.of("an override must expire in the future", got=lasts, step="give it some days: --expires 14d")
    settle(registry, lineage, model)
    found, champion = registry.get(model, version), registry.champion(model)
    manifest = manifest_of(registry.load(found).files)
    verdicts = [each for each in lineage.records("verdict", model) if each.body["challenger"] == version]
    expires = (now or datetime.now(UTC)) + lasts
    said = [model, version, found.digest, who, reason, expires.isoformat(timespec="seconds")]
    record = Release(
        version=found.number,
        digest=found.digest,
        decision=OVERRIDE,
        who=who.strip(),
        evidence=str(verdicts[-1].body["digest"]) if verdicts else digest(said),
        replaces=champion.number if champion else None,
        trained_until=manifest["trained_until"],
        at=str(verdicts[-1].body["at"]) if verdicts else "",
        role=role.strip(),
        reason=reason.strip(),
        expires=expires.isoformat(timespec="seconds"),
        user=account(),
    )
    return carry_out(registry, lineage, model, record)


def _said(rule: "Rule", who: str, role: str, reason: str) -> None:
    entitled(rule, who, role)
    if not reason.strip():
        raise NoVerdict.of("no reason is given", step="say why: --reason TEXT")


def target(lineage: "Lineage", model: str, to: int | None) -> tuple[Release, Release]:
    """The release that stands, and the one to go back to; None: the one before.

    Raises:
        NoVerdict: that version was never released, or stands already.
    """
    kept = stack(lineage, model)
    if not kept:
        raise NoVerdict.of(f"model '{model}' has no champion", step="there is nothing to roll back")
    stands = kept[-1]
    if to == stands.version:
        raise NoVerdict.of(f"version {to} of model '{model}' is the champion already")
    candidates = kept[:-1] if to is None else releases(lineage, model)
    before = [each for each in candidates if each.version != stands.version]
    wanted = [each for each in before if to in (None, each.version)]
    if not wanted:
        raise NoVerdict.of(
            f"model '{model}' can only be rolled back to a version that was champion before",
            got=to if to is not None else "the one before the first",
            allowed=", ".join(map(str, sorted({each.version for each in before}))) or "(none)",
            step=f"release another one by name: mlops promote {model} --version N --override",
        )
    return stands, wanted[-1]
