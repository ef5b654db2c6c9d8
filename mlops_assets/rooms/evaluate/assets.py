"""`<model>/evaluation` and `<model>/verdict`: how good the challenger is, and whether it may be released."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg

from mlops_assets import keys
from mlops_assets.resources import declaration, presentation
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.evaluate.charts import curves
from mlops_assets.rooms.evaluate.evidence import Evidence, gather
from mlops_assets.rooms.evaluate.evidently_report import evidently_html
from mlops_assets.rooms.evaluate.gate import Check
from mlops_assets.rooms.evaluate.report import gates_markdown, page, plain_words
from mlops_assets.rooms.evaluate.shown import SHOWN
from mlops_assets.rooms.evaluate.slices import slice_table
from mlops_assets.rooms.evaluate.stakeholder import stakeholders_page
from mlops_assets.rooms.evaluate.verdict import Verdict, asked_of, decide
from mlops_assets.rooms.train.identity import digest
from mlops_assets.spec.plan import ModelPlan

SliceTable = Sequence[Mapping[str, Any]]
Beside = Mapping[str, Callable[[Stores], Check]]
"""Gates of rooms that come later, by name."""


def build(plan: ModelPlan, beside: Beside | None = None) -> list[dg.AssetsDefinition]:
    """The assets that judge one model's challenger, made in one step: both rest on the same scores.

    Args:
        plan: the model's.
        beside: name to gate of rooms that come later, each made of the stores when it is asked.
    """
    described = "Challenger and champion on the same held-out rows: metrics, slices, calibration, with intervals."
    evaluation = _spec(plan, "evaluation", described, "challenger")
    decision = _spec(
        plan, "verdict", "ACCEPT, REJECT or FIRST_MODEL, with each gate's figure and threshold.", "evaluation"
    )

    @dg.multi_asset(name=f"{plan.name}_evaluation", specs=[evaluation, decision])
    def judged(context: dg.AssetExecutionContext, stores: Stores) -> declaration.Events:
        evidence = gather(stores.lake(), stores.registry(), stores.lineage(), plan)
        brought = {name: made(stores.lineage()) for name, made in SHOWN.items()}
        brought |= {name: made(stores) for name, made in (beside or {}).items()}
        verdict = decide(evidence, asked_of(plan, brought))
        yield _evaluated(evaluation, stores, evidence, verdict)
        verdict.record(stores.lineage())
        context.log.info("%s: %s", verdict.decision, plain_words(verdict))
        saved = stores.reports().save(
            keys.key(plan.name, "verdict"),
            f"v{verdict.challenger}-{verdict.digest[:12]}",
            stakeholders_page(evidence, verdict),
        )
        yield dg.MaterializeResult(
            asset_key=decision.key,
            metadata={**_told(verdict), **presentation.report(saved)},
            data_version=dg.DataVersion(verdict.digest),
        )

    return [judged]


def _evaluated(spec: dg.AssetSpec, stores: Stores, evidence: Evidence, verdict: Verdict) -> declaration.Materialized:
    table, known = slice_table(evidence), figures(evidence)
    version = digest([verdict.digest, known, table])
    pages = _pages(
        keys.key(*spec.key.path), f"v{verdict.challenger}-{version[:12]}", stores, (evidence, verdict, table)
    )
    weak = {"version": verdict.challenger, "verdict": verdict.digest, "slices": json.loads(presentation.plain(table))}
    stores.lineage().append("evaluation", verdict.model, weak, once=f"evaluation:{verdict.digest}")
    return dg.MaterializeResult(
        asset_key=spec.key,
        metadata={
            **presentation.numbers({**known, "rows": verdict.rows, "version": verdict.challenger}),
            **pages,
            "picture": presentation.picture(curves(evidence), "ranking and calibration"),
        },
        data_version=dg.DataVersion(version),
    )


def _pages(
    key: keys.Key, name: str, stores: Stores, judged: tuple[Evidence, Verdict, SliceTable]
) -> presentation.Metadata:
    """The evaluation's page and, where it is declared, Evidently's; each links to the other."""
    reports, evidence = stores.reports(), judged[0]
    if not evidence.model.evaluate.evidently:
        return presentation.report(reports.save(key, name, page(*judged)))
    html = evidently_html(evidence, reports.path(key, name).name)
    drawn = reports.save(key, f"{name}-evidently", html)
    saved = reports.save(key, name, page(*judged, drawn.path.name))
    return {**presentation.report(saved), "evidently": dg.MetadataValue.url(drawn.url)}


def figures(evidence: Evidence) -> dict[str, float | int | bool | None]:
    """Every metric of the challenger, and of the incumbent."""
    shown: dict[str, float | int | bool | None] = {}
    for known in evidence.metrics.values():
        shown[known.name] = known(evidence.labels, evidence.challenger.scores)
        shown[f"{known.name}_incumbent"] = known(evidence.labels, evidence.incumbent)
    return shown


def _spec(plan: ModelPlan, stage: str, description: str, before: str) -> dg.AssetSpec:
    return declaration.asset_spec(
        plan.name,
        stage,
        room="evaluate",
        description=description,
        deps=[keys.key(plan.name, before), keys.key(plan.name, "training_set")],
        kinds=("sklearn",),
        owners=plan.model.owners,
        retrain=plan.name,
        configuration=plan.model.model_dump_json(),
    )


def _told(verdict: Verdict) -> presentation.Metadata:
    found = verdict.gate("objective")
    bounds = {"difference": found.figure, "low": found.low, "high": found.high} if found else {}
    numbers = {"version": verdict.challenger, "champion": verdict.champion, "rows": verdict.rows, **bounds}
    return {
        **presentation.numbers({**numbers, "accepted": verdict.accepted, "gates_failed": len(verdict.failed())}),
        "decision": dg.MetadataValue.text(verdict.decision),
        "why": dg.MetadataValue.md(plain_words(verdict) + "".join(f"\n- {g.reason}" for g in verdict.failed())),
        "gates": dg.MetadataValue.md(gates_markdown(verdict)),
        "digest": dg.MetadataValue.text(verdict.digest),
    }
