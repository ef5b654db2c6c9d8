"""`mlops pull`: fetch the new rows of a dataset now, without waiting for its sensor."""

import json
from pathlib import Path

import click


@click.command()
@click.argument("dataset")
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def pull(dataset: str, home: Path | None, as_json: bool) -> None:
    """Fetch what is new of DATASET from its database, Delta table, endpoint or function, and land it."""
    from mlops_assets.cli.datasets import one
    from mlops_assets.cli.home import prepare
    from mlops_assets.errors import SpecError
    from mlops_assets.rooms.ingest.pull import pull as fetch

    settings, plan = prepare(home), one(dataset)
    if not plan.dataset.source.pulled:
        step = f"land files at {plan.dataset.source.landing(dataset)}"
        raise SpecError.of(f"dataset '{dataset}' is not pulled: its source is {plan.dataset.source.kind}", step=step)
    found = fetch(plan, settings.home)
    click.echo(json.dumps({"fetched": found.fetched, "batches": found.batches}) if as_json else found.said)
