"""`<model>/retrain_request`: the decisions about a model's retraining, written by its sensor and by no run."""

import hashlib
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster import AssetMaterialization

from mlops_assets import keys
from mlops_assets.resources import declaration, presentation
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.monitor import timeline
from mlops_assets.rooms.retrain import table
from mlops_assets.rooms.retrain.ledger import OUTCOME, REQUEST, Ledger
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores.reports import Reports

DATA_VERSION = "dagster/data_version"
REPORTS = {"drift": "drift_report", "performance": "performance_report"}


def build(plan: ModelPlan) -> list[dg.AssetSpec]:
    """The ledger of one model; it is a leaf, as the way back to the challenger is the sensor's."""
    seen = [keys.key(plan.name, stage) for stage in ("labels", "drift_report", "performance_report", "champion")]
    spec = declaration.asset_spec(
        plan.name,
        "retrain_request",
        room="retrain",
        description=f"Whether {plan.name} is to be trained again: each yes and no of {plan.name}_retrain, and why.",
        deps=seen,
        kinds=("sqlite",),
        owners=plan.model.owners,
        configuration=plan.model.retrain.model_dump_json(),
    )
    return [spec]


def told(stores: Stores, plan: ModelPlan) -> AssetMaterialization:
    """The newest decisions as a materialization, with the evidence of the newest request one click away."""
    ledger = Ledger(stores.lineage(), plan.name)
    rows, requests, outcomes = table.decisions(ledger), ledger.records(REQUEST), ledger.records(OUTCOME)
    figures = {
        "requests": len(requests),
        "helped": sum(record.body["outcome"] == "helped" for record in outcomes),
        "refused": sum(record.body["outcome"] == "refused" for record in outcomes),
        "failed": sum(record.body["outcome"] == "failed" for record in outcomes),
        "demands_waiting": len(ledger.demands()),
        "paused": bool(ledger.paused()),
    }
    newest = rows[0] if rows else {}
    drawn = timeline.save(stores.lake(), stores.lineage(), stores.reports(), plan)
    return AssetMaterialization(
        asset_key=dg.AssetKey(list(keys.key(plan.name, "retrain_request"))),
        description=f"{newest.get('decision', '')}: {newest.get('why', '')}",
        metadata={
            "decision": dg.MetadataValue.text(newest.get("decision", "none yet")),
            "why": dg.MetadataValue.text(newest.get("why", "nothing was decided yet")),
            **(_evidence(stores, plan, requests[-1].body) if requests else {}),
            **_run(outcomes[-1].body if outcomes else {}),
            "timeline": dg.MetadataValue.url(drawn.url),
            **presentation.numbers(figures),
            "decisions": _table(rows),
        },
        tags={DATA_VERSION: hashlib.sha256(repr(rows).encode()).hexdigest()},
    )


def links(reports: Reports, model: str, request: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The pages of the windows that a request cites."""
    cited = [window.partition(":") for window in request.get("windows", ())]
    return [
        (f"{cause} of {window}", reports.url(keys.key(model, REPORTS[cause]), window))
        for cause, _, window in cited
        if cause in request["causes"]
    ]


def pages(reports: Reports, model: str, request: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a person may want to open about the newest request: the windows that it cites, and the timeline if drawn."""
    drawn = [("timeline", reports.url(*timeline.place(model)))] if reports.exists(*timeline.place(model)) else []
    return [*(links(reports, model, request) if request else ()), *drawn]


def _evidence(stores: Stores, plan: ModelPlan, request: Mapping[str, Any]) -> presentation.Metadata:
    lines = [f"- [{name}]({url})" for name, url in links(stores.reports(), plan.name, request)]
    said = [f"- **{found['cause']}**: {found['evidence']}" for found in request.get("findings", ())]
    return {
        "request": dg.MetadataValue.text(request["key"]),
        "causes": dg.MetadataValue.text(", ".join(request["causes"])),
        "evidence": dg.MetadataValue.md("\n".join([*said, *lines])),
    }


def _run(outcome: Mapping[str, Any]) -> presentation.Metadata:
    return {"last_run": dg.MetadataValue.dagster_run(outcome["run"])} if outcome.get("run") else {}


def _table(rows: list[table.Row]) -> dg.MetadataValue:
    columns = [dg.TableColumn(name, "string") for name in table.COLUMNS]
    return dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in rows], dg.TableSchema(columns))
