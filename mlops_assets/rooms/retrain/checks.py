"""The check `expiry` on `<model>/champion`: asked when one is released, and reported by the sensor when it changes."""

import dagster as dg

from mlops_assets import keys
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.label.maturity import clock
from mlops_assets.rooms.release.expiry import Age, age
from mlops_assets.spec.base import duration_text
from mlops_assets.spec.plan import ModelPlan

EXPIRY = "expiry"


def build(plan: ModelPlan) -> list[dg.AssetChecksDefinition]:
    """The check of one model; none where no maximum age is declared."""
    if plan.model.expiry is None:
        return []
    limit = duration_text(plan.model.expiry.after)
    asset = _champion(plan)

    @dg.asset_check(asset=asset, name=EXPIRY, description=f"The champion was released less than {limit} ago.")
    def expiry(stores: Stores) -> dg.AssetCheckResult:
        found = aged(stores, plan)
        return dg.AssetCheckResult(
            passed=found is None or not found.expired,
            severity=dg.AssetCheckSeverity.WARN,
            description=found.words if found else "nothing is released yet",
        )

    return [expiry]


def aged(stores: Stores, plan: ModelPlan) -> Age | None:
    """How old the champion is; None where there is none, or no maximum age."""
    release = stores.lineage().latest("release", plan.name)
    return age(plan.model.expiry, release, clock(stores.lake(), plan.dataset))


def evaluation(plan: ModelPlan, found: Age) -> dg.AssetCheckEvaluation:
    """The check's answer, as a sensor reports it."""
    return dg.AssetCheckEvaluation(
        asset_key=_champion(plan),
        check_name=EXPIRY,
        passed=not found.expired,
        severity=dg.AssetCheckSeverity.WARN,
        description=found.words,
        metadata={"age_days": found.age.days, "version": found.version},
    )


def _champion(plan: ModelPlan) -> dg.AssetKey:
    return dg.AssetKey(list(keys.key(plan.name, "champion")))
