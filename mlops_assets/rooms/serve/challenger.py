"""Puts a version beside the champion, or takes the challengers away: whatever its verdict, it only stands on trial."""

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from mlops_assets.errors import NotFound, SpecError
from mlops_assets.rooms.features.lookup import recipes
from mlops_assets.rooms.release import approval
from mlops_assets.rooms.release import bundle as serving
from mlops_assets.rooms.serve.compare import LARGEST, SMALLEST, Comparison, suggested_share, within_bounds
from mlops_assets.rooms.serve.trial import beside
from mlops_assets.rooms.serve.usage import usage

if TYPE_CHECKING:
    from mlops_assets.spec.plan import ModelPlan
    from mlops_assets.stores.lake import Lake
    from mlops_assets.stores.lineage import Lineage
    from mlops_assets.stores.registry import Registry
    from mlops_assets.stores.serving import Live, ServingStore

MODES: Final = ("shadow", "canary")
EFFECT: Final = 0.002
"""The smallest difference of squared errors, a row, that matters."""
DEVIATION: Final = 0.1
"""Of that difference, a row, while no outcome of both is known."""
FEW: Final = 30


def begin(
    store: "ServingStore",
    registry: "Registry",
    lake: "Lake",
    plan: "ModelPlan",
    version: int,
    *,
    mode: str = "shadow",
    share: float = 0.0,
) -> "Live":
    """Let a version answer a share of the questions: in the shadow, or as a canary in the champion's place.

    Args:
        store: of what is served.
        registry: that knows the version.
        lake: with what was asked.
        plan: of the model.
        version: that is tried, alone.
        mode: one of `MODES`.
        share: from 0.01 to 0.1; 0: as traffic and power suggest.

    Raises:
        NotFound: the model was never released, or there is no such version.
        SpecError: it is the champion, or the share is out of bounds.
    """
    if mode not in MODES:
        raise SpecError.of("no such way to try a version", got=mode, allowed=", ".join(MODES))
    if share and not SMALLEST <= share <= LARGEST:
        raise SpecError.of("the share of a trial is out of bounds", got=share, allowed=f"{SMALLEST} to {LARGEST}")
    live = store.live(plan.name)
    if live is None:
        raise NotFound.of(f"model '{plan.name}' was never released", step="release a champion first")
    champion = store.load(plan.name, live.champion)
    if champion.manifest["version"] == version:
        raise SpecError.of(f"version {version} of model '{plan.name}' is the champion", step="name another --version")
    digest = bundled(store, registry, lake, plan, version)
    if not share:
        known = beside(lake, champion, store.load(plan.name, digest)).found
        share = suggested(sum(day["requests"] for day in _newest(lake, plan.name)), known)
    return store.challenge(plan.name, (digest,), mode=mode, share=share)


def bundled(store: "ServingStore", registry: "Registry", lake: "Lake", plan: "ModelPlan", version: int) -> str:
    """The digest of a version's serving bundle, which is made where it is none that was released.

    Raises:
        NotFound: there is no such version.
    """
    found = registry.load(registry.get(plan.name, version))
    return serving.put(store, found, plan, card="", recipes=recipes(lake, plan))


def declared(
    store: "ServingStore", registry: "Registry", lineage: "Lineage", lake: "Lake", plan: "ModelPlan"
) -> "Live | None":
    """Put the newest judged version beside the champion where the model declares `shadow` or `canary`, once a version.

    Nobody is answered by a canary with another fault than that it is not clearly better. None where nothing is to do.
    """
    serve, verdict = plan.model.serve, lineage.latest("verdict", plan.name)
    mode, share = ("canary", serve.canary) if serve.canary else ("shadow", serve.shadow)
    if not share or verdict is None or not store.released(plan.name):
        return None
    champion = registry.champion(plan.name)  # asked last, as it is dear: most models declare neither
    if champion is None:
        return None
    version = int(verdict.body["challenger"])
    failed = {gate["name"] for gate in verdict.body["gates"] if not gate["passed"]}
    released_soon = not failed and not approval.needed(plan.model.release)
    unfit = mode == "canary" and failed - {"objective"}
    tried = any(record.body.get("version") == version for record in lineage.records("trial", plan.name))
    if version <= champion.number or released_soon or unfit or tried:
        return None
    found = begin(store, registry, lake, plan, version, mode=mode, share=share)
    lineage.append("trial", plan.name, {"version": version, "mode": mode, "share": found.share, "declared": True})
    return found


def suggested(requests: int, known: Comparison | None) -> float:
    """The share that shows, within a day like the newest, a difference that matters.

    Args:
        requests: of that day.
        known: of champion and challenger so far.

    >>> suggested(1_000_000, None), suggested(10, None)
    (0.019623, 0.1)
    """
    deviation = DEVIATION
    if known is not None and known.low is not None and known.high is not None and known.labelled >= FEW:
        deviation = (known.high - known.low) / 2 / NormalDist().inv_cdf(0.975) * math.sqrt(known.labelled)
    return round(within_bounds(suggested_share(requests, deviation=deviation, effect=EFFECT)), 6)


def _newest(lake: "Lake", model: str) -> list[dict[str, int]]:
    days = [day for day in usage(lake, model) if day["role"] == "champion"]
    return [day for day in days if day["day"] == days[-1]["day"]]
