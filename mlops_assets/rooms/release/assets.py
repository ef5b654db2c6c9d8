"""`<model>/champion`: the release; without a verdict that accepts, nothing is made and the champion stays."""

import dagster as dg

from mlops_assets import keys
from mlops_assets.resources import declaration, presentation
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.evaluate.report import plain_words
from mlops_assets.rooms.release.card import card
from mlops_assets.rooms.release.promotion import latest_verdict, release
from mlops_assets.rooms.train.fit import manifest_of
from mlops_assets.rooms.train.snapshot import of_version
from mlops_assets.spec.plan import ModelPlan


def build(plan: ModelPlan) -> list[dg.AssetsDefinition]:
    """The champion of one model."""
    spec = declaration.asset_spec(
        plan.name,
        "champion",
        room="release",
        description="The model in force: released by a verdict, with its card.",
        deps=[keys.key(plan.name, "verdict")],
        kinds=("mlflow",),
        owners=plan.model.owners,
        retrain=plan.name,
        configuration=plan.model.model_dump_json(),
        skippable=True,
    )

    @dg.multi_asset(name=f"{plan.name}_champion", specs=[spec])
    def champion(context: dg.AssetExecutionContext, stores: Stores) -> declaration.Events:
        lineage, registry = stores.lineage(), stores.registry()
        verdict = latest_verdict(lineage, plan.name)
        if not verdict.accepted:
            reasons = "; ".join(gate.reason for gate in verdict.failed())
            context.log.info("%s %s", plain_words(verdict), reasons)
            return
        manifest = manifest_of(registry.load(registry.get(plan.name, verdict.challenger)).files)
        html = card(plan.model, manifest, verdict, of_version(lineage, plan.name, verdict.challenger))
        released = release(registry, lineage, plan.name, verdict, trained_until=manifest["trained_until"])
        version = released.version
        saved = stores.reports().save(keys.key(plan.name, "champion"), f"v{version.number}", html)
        context.log.info(plain_words(verdict))
        yield dg.MaterializeResult(
            asset_key=spec.key,
            metadata={
                **presentation.numbers({"version": version.number, "changed": released.changed, **manifest["metrics"]}),
                **presentation.report(saved),
                "decision": dg.MetadataValue.text(verdict.decision),
                "evidence": dg.MetadataValue.text(verdict.digest),
                "candidate": dg.MetadataValue.text(manifest["candidate"]),
                "trained_until": dg.MetadataValue.text(str(manifest["trained_until"])),
                "mlflow_run": dg.MetadataValue.text(version.run_id),
            },
            data_version=dg.DataVersion(f"{plan.name}@{version.number}:{version.digest}"),
        )

    return [champion]
