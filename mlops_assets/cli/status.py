"""`mlops status`: what each dataset and model is doing, as a table or as JSON."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import dagster as dg

    from mlops_assets.components.house import House
    from mlops_assets.resources.stores import Stores

BELOW = frozenset({"override", "override_expired", "expired", "fault"})
"""Told in a line below the table, where there is something to tell."""


@click.command()
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def status(home: Path | None, as_json: bool) -> None:
    """Say what each dataset and model is doing."""
    import dagster as dg

    from mlops_assets.cli.datasets import house
    from mlops_assets.cli.home import prepare
    from mlops_assets.cli.nouns import nouns
    from mlops_assets.cli.tables import show
    from mlops_assets.definitions import definitions
    from mlops_assets.resources.stores import Stores

    prepare(home)
    declared, known, stores = nouns(definitions()), house(), Stores()
    with dg.DagsterInstance.get() as instance:
        datasets = [_dataset(stores, instance, name) for name in declared.datasets]
        models = [_model(stores, instance, known, *each) for each in sorted(declared.models.items())]
    evidence = [row for name in sorted(declared.models) for row in _evidence(stores, name)]
    if as_json:
        click.echo(json.dumps({"datasets": datasets, "models": models, "evidence": evidence}, indent=2))
        return
    show("Datasets", datasets)
    show("Models", [{name: value for name, value in each.items() if name not in BELOW} for each in models])
    for each in models:
        for line in _below(each):
            click.echo(f"! {each['model']}: {line}")
    if evidence:
        show("Evidence", evidence)


def _below(model: dict[str, Any]) -> list[str]:
    """What a person has to know of a model, a sentence each."""
    expired = [model["age"]] if model["expired"] else []
    fault = [f"fault in the newest window: {model['fault']}"] if model["fault"] else []
    return [*([model["override"]] if model["override"] else []), *expired, *fault]


def _dataset(stores: "Stores", instance: "dg.DagsterInstance", name: str) -> dict[str, Any]:
    from mlops_assets import keys

    lake = stores.lake()
    clean, quarantine = keys.table(name, "clean"), keys.table(name, "quarantine")
    batches = lake.batches(clean) if lake.exists(clean) else []
    return {
        "dataset": name,
        "batches": len(batches),
        "newest": batches[-1] if batches else None,
        "clean": _rows(stores, clean),
        "quarantined": _rows(stores, quarantine),
        "stopped": _stopped(instance, name),
    }


def _model(stores: "Stores", instance: "dg.DagsterInstance", known: "House", name: str, dataset: str) -> dict[str, Any]:
    from mlops_assets.cli.story import Story

    batches = Story(stores, instance, model=name, dataset=dataset).batches()
    lineage = stores.lineage()
    release, request = lineage.latest("release", name), lineage.latest("retrain_request", name)
    verdict = lineage.latest("verdict", name)
    chapter = Story(stores, instance, model=name, dataset=dataset).chapter(batches[-1]) if batches else None
    return {
        "model": name,
        "champion": int(release.body["version"]) if release else None,
        "last_request": request.body["reason"] if request else None,
        "last_verdict": verdict.body["decision"] if verdict else None,
        "auc": chapter.auc if chapter else None,
        "drift": chapter.drift if chapter else None,
        "drift_alarm": chapter.drift_alarm if chapter else None,
        "fault": chapter.drift_faulty if chapter else None,
        **_retraining(stores, name),
        **_age(stores, known, name),
        **_override(stores, name),
    }


def _retraining(stores: "Stores", name: str) -> dict[str, Any]:
    """What was decided last, and what a person has to know of it."""
    from mlops_assets.rooms.retrain.ledger import Ledger
    from mlops_assets.rooms.retrain.outbox import failing
    from mlops_assets.rooms.retrain.table import decisions

    ledger = Ledger(stores.lineage(), name)
    newest = next(iter(decisions(ledger, 1)), None)
    return {
        "decision": f"{newest['decision']}: {newest['why']}" if newest else None,
        "paused": ledger.paused() or None,
        "untold": failing(ledger.lineage, name),
    }


def _evidence(stores: "Stores", name: str) -> list[dict[str, str]]:
    """The pages that the newest request and the newest windows rest on, as far as they were drawn."""
    from mlops_assets import keys
    from mlops_assets.rooms.monitor.history import newest
    from mlops_assets.rooms.retrain.assets import pages
    from mlops_assets.rooms.retrain.ledger import Ledger

    reports, lake = stores.reports(), stores.lake()
    request = Ledger(stores.lineage(), name).newest()
    found = pages(reports, name, request.body if request else {})
    for stage in ("drift_report", "performance_report"):
        row = newest(lake, name, stage)
        if row is not None:
            found.append((f"{stage} of {row['window']}", reports.url(keys.key(name, stage), row["window"])))
    return [{"model": name, "page": page, "url": url} for page, url in dict(found).items() if page]


def _override(stores: "Stores", name: str) -> dict[str, Any]:
    """The override by which the champion stands, and whether its time is over; None where there is none."""
    from mlops_assets.rooms.release.record import standing

    stands = standing(stores.lineage(), name)
    said = stands.overriding() if stands else ""
    return {"override": said or None, "override_expired": stands.expired() if stands and said else None}


def _age(stores: "Stores", known: "House", name: str) -> dict[str, Any]:
    """How old the champion is, where a maximum age is declared now, and whether that is too old."""
    from mlops_assets.rooms.retrain.checks import aged

    found = aged(stores, known.model(name)) if name in known.models else None
    return {"age": found.words if found else None, "expired": found.expired if found else None}


def _rows(stores: "Stores", table: str) -> int:
    from mlops_assets.stores import sql

    lake = stores.lake()
    if not lake.exists(table):
        return 0
    with sql.connect() as connection:
        row = connection.execute(f"select count(*) from {lake.scan(table)}").fetchone()
    return int(row[0]) if row else 0


def _stopped(instance: "dg.DagsterInstance", name: str) -> list[str]:
    """Batches whose newest run failed."""
    import dagster as dg

    newest: dict[str, dg.DagsterRunStatus] = {}
    for run in instance.get_runs(filters=dg.RunsFilter(tags={"mlops/dataset": name})):
        newest.setdefault(run.tags["mlops/batch"], run.status)
    return sorted(batch for batch, fate in newest.items() if fate is dg.DagsterRunStatus.FAILURE)
