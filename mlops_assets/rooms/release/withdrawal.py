"""A rollback by the service's own guard becomes a release on the record: the alias follows, and it is not undone."""

from typing import TYPE_CHECKING, Final

from mlops_assets.errors import Damaged
from mlops_assets.rooms.release.person import target
from mlops_assets.rooms.release.promotion import Released, carry_out, settle
from mlops_assets.rooms.release.record import ROLLBACK, Release, newest_record

if TYPE_CHECKING:
    from mlops_assets.stores.lineage import Lineage
    from mlops_assets.stores.registry import Registry
    from mlops_assets.stores.serving import Live, ServingStore

BY_GUARD: Final = "guard"


def withdraw(store: "ServingStore", registry: "Registry", lineage: "Lineage", model: str) -> Released | None:
    """Put what the guard took back on the record; None when it took nothing, or the record knows already.

    From then on the version is withdrawn as by a person: no verdict releases it again, only an override by name.

    Raises:
        Damaged: the records do not hold together, or a version's bytes are not those that were released.
    """
    live, newest = _live(store, model), newest_record(lineage, model)
    if live is None or newest is None or not live.guarded or newest.at > live.since:
        return None  # nothing was taken, or a person or a verdict has decided since
    stands = Release.of(newest.body)
    served, broken = (int(store.load(model, digest).manifest["version"]) for digest in (live.champion, live.previous))
    if stands.version != broken or served == broken:
        return None
    lineage.verify()
    settle(registry, lineage, model)
    _, before = target(lineage, model, served)
    record = Release(
        version=before.version,
        digest=before.digest,
        decision=ROLLBACK,
        who=BY_GUARD,
        evidence=before.evidence,
        replaces=broken,
        trained_until=before.trained_until,
        at=stands.at,
        reason=live.guarded,
    )
    return carry_out(registry, lineage, model, record, once=f"guard:{newest.digest}")


def _live(store: "ServingStore", model: str) -> "Live | None":
    """What is served; None also while what says so is damaged: the champion's own check tells of that."""
    try:
        return store.live(model)
    except Damaged:
        return None
