"""`mlops contract`: the contract in force, and what the declared one would change of it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mlops_assets.resources.stores import Stores
    from mlops_assets.rooms.validate.contract import Contract
    from mlops_assets.spec.plan import DatasetPlan

HOME = click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group()
def contract() -> None:
    """Show a dataset's contract, and what a change of it would mean."""


@contract.command()
@click.argument("dataset")
@JSON
@HOME
def show(dataset: str, as_json: bool, home: Path | None) -> None:
    """Show the contract of DATASET that is in force."""
    from mlops_assets.cli.tables import show as table
    from mlops_assets.errors import NotFound
    from mlops_assets.rooms.validate.evolution import in_force

    _, stores = _opened(dataset, home)
    held = in_force(stores.lineage(), dataset)
    if held is None:
        raise NotFound.of(f"no contract of {dataset} is in force yet", step="land a first batch")
    if as_json:
        click.echo(json.dumps(asdict(held), indent=2))
        return
    columns = [{"column": name, **_told(column)} for name, column in held.contract["columns"].items()]
    table(f"{dataset}: contract version {held.version}, {held.digest[:16]}", columns)
    for check in held.contract["checks"]:
        click.echo(f"and {check}")


@contract.command()
@click.argument("dataset")
@JSON
@HOME
def diff(dataset: str, as_json: bool, home: Path | None) -> None:
    """Show what the declared contract of DATASET would change of the one in force; 1 where that would be refused."""
    from mlops_assets.cli.tables import show as table
    from mlops_assets.rooms.validate.evolution import ContractChanged, changes, in_force, proposed

    plan, stores = _opened(dataset, home)
    declared = _declared(plan, stores)
    found = changes(stores.lineage(), plan, declared)
    if as_json:
        click.echo(json.dumps([asdict(change) for change in found], indent=2))
    elif in_force(stores.lineage(), dataset) is None:
        click.echo(f"{dataset}: no contract is in force yet; the declared one will be with the first batch")
    elif found:
        table(f"{dataset}: what the declared contract changes", [_row(asdict(change)) for change in found])
    else:
        click.echo(f"{dataset}: the declared contract is the one in force")
    try:
        proposed(stores.lineage(), plan, declared)
    except ContractChanged as refusal:
        raise click.ClickException(str(refusal)) from refusal


def _row(change: dict[str, Any]) -> dict[str, Any]:
    return {**change, "column": change["column"] or "(the table)", "breaks": list(change["breaks"])}


def _told(column: dict[str, Any]) -> dict[str, Any]:
    lacking = "" if column["required"] else ", may lack"
    null = "may be null" if column["nullable"] else "not null"
    return {"type": column["type"], "null": f"{null}{lacking}", "rules": column["rules"]}


def _declared(plan: "DatasetPlan", stores: "Stores") -> "Contract":
    from mlops_assets.errors import NotFound
    from mlops_assets.rooms.validate.frozen import place_of, read
    from mlops_assets.rooms.validate.pandera_models import from_pandera

    if plan.dataset.contract:
        return from_pandera(plan.place.load(plan.dataset.contract))
    path = place_of(plan, stores.settings().home)
    if not path.exists():
        raise NotFound.of(f"no contract of {plan.dataset.name} is declared or inferred yet", step="land a first batch")
    return read(path)


def _opened(dataset: str, home: Path | None) -> "tuple[DatasetPlan, Stores]":
    from mlops_assets.cli.datasets import one
    from mlops_assets.cli.home import prepare
    from mlops_assets.resources.stores import Stores

    prepare(home)
    return one(dataset), Stores()
