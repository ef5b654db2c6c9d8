"""`<model>_trial`: puts a version beside the champion, or ends that; the command line runs the very same job."""

from typing import Any

import dagster as dg

from mlops_assets import keys
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.serve import challenger
from mlops_assets.spec.plan import ModelPlan


class Trial(dg.Config):
    """Try a version beside the champion."""

    version: int = 0
    """Any version but the champion's."""
    mode: str = "shadow"
    """Or `canary`: it answers a share of the clients in the champion's place."""
    share: float = 0.0
    """From 0.01 to 0.1; 0: as traffic and power suggest."""
    stop: bool = False
    """End the trials instead."""


def build(plan: ModelPlan) -> list[dg.JobDefinition]:
    """The job of one model."""

    @dg.op(name=f"{plan.name}_try", out=dg.Out(dg.Nothing))
    def attempt(context: dg.OpExecutionContext, config: Trial, stores: Stores) -> None:
        store = stores.serving()
        if config.stop:
            store.challenge(plan.name, ())
            said: dict[str, Any] = {"version": None, "stopped": True}
        else:
            live = challenger.begin(
                store,
                stores.registry(),
                stores.lake(),
                plan,
                config.version,
                mode=config.mode,
                share=config.share,
            )
            said = {"version": config.version, "mode": live.mode, "share": live.share}
        stores.lineage().append("trial", plan.name, said)
        context.log.info("trial of %s: %s", plan.name, said)

    @dg.job(name=keys.trial_job(plan.name), description=f"Tries a version of {plan.name} beside its champion.")
    def job() -> None:
        attempt()

    return [job]
