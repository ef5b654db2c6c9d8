"""`<model>/champion`: the release; without a verdict that accepts, nothing is made and the champion stays."""

from collections.abc import Iterator
from typing import Final

import dagster as dg
from dagster._core.definitions.source_asset import (
    SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION,  # the one way to yield an asset's output without a materialization
)

from mlops_assets import keys
from mlops_assets.resources import declaration, presentation
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.evaluate.report import plain_words
from mlops_assets.rooms.evaluate.verdict import Verdict
from mlops_assets.rooms.explore.groups import figures
from mlops_assets.rooms.features.lookup import recipes
from mlops_assets.rooms.release import approval, formats
from mlops_assets.rooms.release import bundle as serving
from mlops_assets.rooms.release.card import Evidence, card, weaknesses
from mlops_assets.rooms.release.promotion import Released, latest_verdict, release, settle
from mlops_assets.rooms.release.record import Release, newest_record, withdrawn
from mlops_assets.rooms.release.stopping import stop_when_expired
from mlops_assets.rooms.release.withdrawal import withdraw
from mlops_assets.rooms.train.fit import manifest_of
from mlops_assets.rooms.train.snapshot import of_version
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores.registry import Bundle
from mlops_assets.stores.reports import Report

STANDS: Final = "the champion in force stands, and answers batch {0} of this run"


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
        freshness_policy=_freshness(plan),
    )

    @dg.multi_asset(name=f"{plan.name}_champion", specs=[spec])
    def champion(
        context: dg.AssetExecutionContext, stores: Stores
    ) -> Iterator[declaration.Materialized | dg.Output[None]]:
        if settle(stores.registry(), stores.lineage(), plan.name):
            context.log.warning("the alias did not say what the newest release says, and was put right")
        taken_back = withdraw(stores.serving(), stores.registry(), stores.lineage(), plan.name)
        verdict = latest_verdict(stores.lineage(), plan.name)
        held = held_back(stores, plan, verdict)
        context.log.info("%s %s", plain_words(verdict), held)
        if held and taken_back is None:
            catch_up(stores, plan)
            if context.has_partition_key and stores.registry().champion(plan.name) is not None:
                context.log.info(STANDS.format(context.partition_key))
                yield _stands(spec)
            return
        released = by_verdict(stores, plan, verdict) if taken_back is None or not held else taken_back
        yield dg.MaterializeResult(
            asset_key=spec.key, metadata=told(stores, plan, released), data_version=version_of(released)
        )

    return [champion]


def _stands(spec: dg.AssetSpec) -> dg.Output[None]:
    """Lets what waits for a release in the same run go on without one: an output, but no materialization.

    Without an output Dagster skips all that follows; a materialization would tell of a release, and make the champion
    young again.
    """
    return dg.Output(
        None, spec.key.to_python_identifier(), metadata={SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}
    )


def _freshness(plan: ModelPlan) -> dg.FreshnessPolicy | None:
    """The maximum age by the clock on the wall; by the data's own clock the check `expiry` says the same."""
    expiry = plan.model.expiry
    return dg.FreshnessPolicy.time_window(expiry.after, warn_window=0.9 * expiry.after) if expiry else None


def held_back(stores: Stores, plan: ModelPlan, verdict: Verdict) -> str:
    """Why the newest verdict releases nothing now; empty when it does."""
    if not verdict.accepted:
        return "; ".join(gate.reason for gate in verdict.failed())
    lineage, rule = stores.lineage(), plan.model.release
    taken = withdrawn(lineage, plan.name, verdict.challenger)
    if taken is not None:
        return f"version {verdict.challenger} was rolled back by {taken.who}: {taken.reason}"
    if approval.needed(rule) and approval.granted(lineage, rule, verdict) is None:
        approval.request(lineage, verdict)
        return f"version {verdict.challenger} waits for approval: mlops approve {plan.name} --who NAME --role ROLE"
    return ""


def by_verdict(stores: Stores, plan: ModelPlan, verdict: Verdict) -> Released:
    """Release what the newest verdict accepts."""
    registry, lineage = stores.registry(), stores.lineage()
    manifest = manifest_of(registry.load(registry.get(plan.name, verdict.challenger)).files)
    approved = approval.granted(lineage, plan.model.release, verdict) if approval.needed(plan.model.release) else None
    until = manifest["trained_until"]
    return release(registry, lineage, plan.name, verdict, trained_until=until, approval=approved)


def told(stores: Stores, plan: ModelPlan, released: Released) -> presentation.Metadata:
    """What Dagster shows of a release, however it came about; the card is written anew, and the service gets it."""
    version, by = released.version, released.release
    bundle = stores.registry().load(version)
    manifest, digest = manifest_of(bundle.files), issue(stores, plan, bundle, by)
    place, reports = (keys.key(plan.name, "champion"), f"v{version.number}"), stores.reports()
    saved = Report(reports.path(*place), reports.url(*place))
    served, url = stores.serving().load(plan.name, digest).manifest, stores.settings().mlflow_url
    return {
        **presentation.numbers({"version": version.number, "changed": released.changed, **manifest["metrics"]}),
        **presentation.report(saved),
        "timeline": dg.MetadataValue.url(stores.reports().url(keys.key(plan.name, "retrain_request"), "timeline")),
        "decision": dg.MetadataValue.text(by.decision),
        "who": dg.MetadataValue.text(f"{by.who} ({by.role})" if by.role else by.who),
        "evidence": dg.MetadataValue.text(by.evidence),
        "candidate": dg.MetadataValue.text(manifest["candidate"]),
        "trained_until": dg.MetadataValue.text(str(manifest["trained_until"])),
        **presentation.mlflow_run(url, stores.registry().experiment(plan.name), version.run_id),
        "serving_bundle": dg.MetadataValue.text(digest),
        "formats": dg.MetadataValue.md(formats.markdown(served["formats"])),
        "engine": dg.MetadataValue.text(f"{served['engine']}: {served['parity']['reason']}"),
        **({"reason": dg.MetadataValue.text(by.reason)} if by.reason else {}),
        **({"expires": dg.MetadataValue.text(by.expires)} if by.expires else {}),
    }


def championed(stores: Stores, plan: ModelPlan, released: Released) -> dg.AssetMaterialization:
    """A release that was made outside the asset's own run, shown on the asset; the service gets it, too."""
    key, tags = keys.key(plan.name, "champion"), {"dagster/data_version": version_of(released).value}
    return dg.AssetMaterialization(list(key), metadata=told(stores, plan, released), tags=tags)


def issue(stores: Stores, plan: ModelPlan, bundle: Bundle, by: Release) -> str:
    """Write the card of a released version, and hand it with its bundle to the service; the bundle's digest."""
    lineage, registry, number = stores.lineage(), stores.registry(), bundle.version.number
    made = serving.exported(bundle)
    measured = formats.known(lineage, registry, bundle, made)
    verdicts = [record for record in lineage.records("verdict", plan.name) if record.body["challenger"] == number]
    verdict = Verdict.of(verdicts[-1].body) if verdicts else None
    who = figures(stores.lake(), plan.dataset)
    shown = card(
        plan.model,
        Evidence(manifest_of(bundle.files), of_version(lineage, plan.name, number), by, verdict, measured, who),
        weaknesses(lineage, plan.name, verdict.digest) if verdict else (),
    )
    stores.reports().save(keys.key(plan.name, "champion"), f"v{number}", shown)
    chosen = formats.serving(made, measured)
    store, evidence = stores.serving(), by.evidence
    online = recipes(stores.lake(), plan)
    digest = serving.publish(
        store, registry, bundle, plan, card=shown, evidence=evidence, made=chosen, formats=measured, recipes=online
    )
    stop_when_expired(store, lineage, stores.lake(), plan)
    return digest


def catch_up(stores: Stores, plan: ModelPlan) -> None:
    """Publish a champion that was released but, because of a kill or an older home, never reached the service."""
    newest, store = newest_record(stores.lineage(), plan.name), stores.serving()
    if newest is None:
        return
    stands = Release.of(newest.body)
    served = store.released(plan.name)
    if served and store.load(plan.name, served).manifest["version"] == stands.version:
        return
    bundle = stores.registry().load(stores.registry().get(plan.name, stands.version))
    issue(stores, plan, bundle, stands)


def follow_declaration(stores: Stores, plan: ModelPlan) -> bool:
    """Publish the champion again where its `serve:` was declared anew: a rule of privacy waits for no release."""
    newest, store = newest_record(stores.lineage(), plan.name), stores.serving()
    served = store.released(plan.name)
    if newest is None or not served:
        return False
    told_by, stands = store.load(plan.name, served).manifest, Release.of(newest.body)
    if told_by["version"] != stands.version or not serving.outdated(told_by, plan):
        return False
    issue(stores, plan, stores.registry().load(stores.registry().get(plan.name, stands.version)), stands)
    return True


def version_of(released: Released) -> dg.DataVersion:
    """The champion's data version."""
    return dg.DataVersion(f"{released.version.model}@{released.version.number}:{released.version.digest}")
