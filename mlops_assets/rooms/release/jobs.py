"""What a person does to a champion, as jobs: the command line and the Launchpad of the UI run the very same ones."""

from datetime import timedelta

import dagster as dg

from mlops_assets import keys
from mlops_assets.errors import NoVerdict
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.release import approval, person
from mlops_assets.rooms.release.assets import by_verdict, championed, held_back
from mlops_assets.rooms.release.promotion import Released, latest_verdict
from mlops_assets.rooms.release.withdrawal import withdraw
from mlops_assets.spec.plan import ModelPlan

RELEASED = "mlops/release"


class Rollback(dg.Config):
    """Back to a version that was champion before."""

    to: int = 0
    """The version; 0: the one before this one."""
    who: str = ""
    """Who decides; empty: the account that runs it."""
    role: str = ""
    reason: str = "rolled back in Dagster's UI"


class Promote(dg.Config):
    """Release what the newest verdict accepts; or, by name and for a time, what it does not."""

    version: int = 0
    """The version; 0: the one that the newest verdict is about."""
    override: bool = False
    who: str = ""
    role: str = ""
    reason: str = ""
    expires_days: float = 0.0
    """After how many days an override is over."""


class Approve(dg.Config):
    """Say yes to the release that waits."""

    who: str
    role: str
    note: str = ""


def build(plan: ModelPlan) -> list[dg.JobDefinition]:
    """The jobs `<model>_rollback`, `<model>_promote` and `<model>_approve`."""
    return [_rollback(plan), _promote(plan), _approve(plan)]


def _rollback(plan: ModelPlan) -> dg.JobDefinition:
    @dg.op(name=f"{plan.name}_roll_back", out=dg.Out(dg.Nothing))
    def roll_back(context: dg.OpExecutionContext, config: Rollback, stores: Stores) -> None:
        released = person.rollback(
            stores.registry(),
            stores.lineage(),
            plan.name,
            rule=plan.model.release,
            who=config.who or approval.account(),
            role=config.role,
            reason=config.reason,
            to=config.to or None,
        )
        _log(context, stores, plan, released)

    @dg.job(
        name=keys.rollback_job(plan.name),
        description=f"Back to the version of {plan.name} that was champion before.",
        tags={RELEASED: plan.name},
    )
    def job() -> None:
        roll_back()

    return job


def _promote(plan: ModelPlan) -> dg.JobDefinition:
    @dg.op(name=f"{plan.name}_release", out=dg.Out(dg.Nothing))
    def release(context: dg.OpExecutionContext, config: Promote, stores: Stores) -> None:
        released = _overridden(config, stores, plan) if config.override else _by_verdict(config, stores, plan)
        _log(context, stores, plan, released)

    @dg.job(
        name=keys.promote_job(plan.name),
        description=f"Release the version of {plan.name} that the newest verdict accepts, or override it by name.",
        tags={RELEASED: plan.name},
    )
    def job() -> None:
        release()

    return job


def _approve(plan: ModelPlan) -> dg.JobDefinition:
    @dg.op(name=f"{plan.name}_say_yes", out=dg.Out(dg.Nothing))
    def say_yes(context: dg.OpExecutionContext, config: Approve, stores: Stores) -> None:
        lineage = stores.lineage()
        verdict, rule = latest_verdict(lineage, plan.name), plan.model.release
        found = approval.approve(lineage, rule, verdict, who=config.who, role=config.role, note=config.note)
        context.log.info("%s (%s) approved version %d", found.who, found.role, found.version)

    @dg.job(
        name=keys.approve_job(plan.name),
        description=f"Say yes to the release of {plan.name} that waits.",
        tags={RELEASED: plan.name},
    )
    def job() -> None:
        say_yes()

    return job


def _overridden(config: Promote, stores: Stores, plan: ModelPlan) -> Released:
    number = config.version or latest_verdict(stores.lineage(), plan.name).challenger
    return person.override(
        stores.registry(),
        stores.lineage(),
        plan.name,
        number,
        rule=plan.model.release,
        who=config.who,
        role=config.role,
        reason=config.reason,
        lasts=timedelta(days=config.expires_days),
    )


def _by_verdict(config: Promote, stores: Stores, plan: ModelPlan) -> Released:
    withdraw(stores.serving(), stores.registry(), stores.lineage(), plan.name)
    verdict = latest_verdict(stores.lineage(), plan.name)
    if config.version and config.version != verdict.challenger:
        raise NoVerdict.of(
            f"the newest verdict on model '{plan.name}' is not about version {config.version}",
            got=config.version,
            allowed=verdict.challenger,
            step="judge it, or override by name: --override --who --reason --expires",
        )
    held = held_back(stores, plan, verdict)
    if held:
        raise NoVerdict.of(f"version {verdict.challenger} of model '{plan.name}' is not released", got=held)
    return by_verdict(stores, plan, verdict)


def _log(context: dg.OpExecutionContext, stores: Stores, plan: ModelPlan, released: Released) -> None:
    """Show the release on the champion's asset, too."""
    by = released.release
    context.log.info("%s: version %d is champion, by %s: %s", by.decision, by.version, by.who, by.reason)
    context.log_event(championed(stores, plan, released))
