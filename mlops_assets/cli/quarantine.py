"""`mlops quarantine`: what lies there row by row, and the mend by which a row goes through the contract again."""

import json
import os
import re
from pathlib import Path
from typing import Any

import click

HOME = click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")
BATCH = click.option("--batch", help="The batch; it may be left out where only one has rows in quarantine.")


@click.group()
def quarantine() -> None:
    """Look at quarantined rows, mend them and release them."""


@quarantine.command("list")
@click.argument("dataset")
@JSON
@HOME
def list_(dataset: str, as_json: bool, home: Path | None) -> None:
    """Count the rows of DATASET in quarantine by batch and reason."""
    from mlops_assets.cli.tables import show
    from mlops_assets.rooms.validate.quarantine import summary

    found = summary(_opened(dataset, home).lake(), dataset)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif found:
        show(f"{dataset}: in quarantine", found)
    else:
        click.echo(f"{dataset}: nothing is in quarantine")


@quarantine.command("show")
@click.argument("dataset")
@BATCH
@click.option("--rows", help="Row numbers, such as 5,7-9; left out: all.")
@click.option("--limit", default=20, show_default=True, help="Rows shown at most.")
@JSON
@HOME
def show_rows(
    *, dataset: str, batch: str | None, rows: str | None, limit: int, as_json: bool, home: Path | None
) -> None:
    """Show quarantined rows of DATASET as they arrived, each with every reason."""
    from mlops_assets.rooms.validate.quarantine import rows as held

    lake = _opened(dataset, home).lake()
    found = held(lake, dataset, _batch(lake, dataset, batch), numbers(rows) if rows else None)
    if as_json:
        click.echo(json.dumps(found[:limit], indent=2))
        return
    if not found:
        click.echo("none of these rows is in quarantine; next: mlops quarantine list")
    for row in found[:limit]:
        click.echo(f"row {row['_row']}: {', '.join(row['reasons'])}")
        click.echo(f"    {json.dumps(row['row'], ensure_ascii=False)}")
    if len(found) > limit:
        click.echo(f"and {len(found) - limit} more rows; next: --limit, or --rows")


@quarantine.command()
@click.argument("dataset")
@BATCH
@click.option("--rows", required=True, help="Row numbers, such as 5,7-9.")
@click.option(
    "--set", "values", multiple=True, metavar="COLUMN=VALUE", help="The value of these rows; may be repeated."
)
@click.option("--unset", multiple=True, metavar="COLUMN", help="No value in these rows; may be repeated.")
@click.option("--reason", required=True, help="Why this is right; it is recorded.")
@click.option("--no-run", is_flag=True, help="Only record it; the batch's next run applies it.")
@HOME
def release(
    *,
    dataset: str,
    batch: str | None,
    rows: str,
    values: tuple[str, ...],
    unset: tuple[str, ...],
    reason: str,
    no_run: bool,
    home: Path | None,
) -> None:
    """Mend rows of DATASET and send them through the contract again, and the batch on its way."""
    from mlops_assets.cli.datasets import one
    from mlops_assets.rooms.validate.mends import Release
    from mlops_assets.rooms.validate.mends import release as mended

    stores = _opened(dataset, home)
    plan, lake = one(dataset), stores.lake()
    given: dict[str, str | None] = {**dict(_pair(value) for value in values), **dict.fromkeys(unset)}
    by = os.environ.get("USER", "")
    asked = Release(_batch(lake, dataset, batch), numbers(rows), reason, given, by)
    record = mended(lake, stores.lineage(), plan, stores.settings().home, asked)
    click.echo(f"release {record.sequence}: {len(asked.rows)} rows of {dataset} {asked.batch} meet the contract")
    if no_run:
        click.echo("next: the batch's next run applies it")
    else:
        _on_its_way(dataset, asked.batch)


def numbers(text: str) -> list[int]:
    """Row numbers.

    >>> numbers("5, 7-9")
    [5, 7, 8, 9]
    """
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if not match:
            raise click.BadParameter(f"not row numbers: {text!r}; allowed: numbers and ranges, such as 5,7-9")
        found += range(int(match[1]), int(match[2] or match[1]) + 1)
    return found


def _pair(text: str) -> tuple[str, str]:
    column, equals, value = text.partition("=")
    if not equals or not column:
        raise click.BadParameter(f"not a value: {text!r}; allowed: COLUMN=VALUE")
    return column, value


def _opened(dataset: str, home: Path | None) -> Any:
    from mlops_assets.cli.datasets import one
    from mlops_assets.cli.home import prepare
    from mlops_assets.resources.stores import Stores

    prepare(home)
    one(dataset)
    return Stores()


def _batch(lake: Any, dataset: str, batch: str | None) -> str:
    from mlops_assets.errors import NotFound
    from mlops_assets.rooms.validate.quarantine import summary

    held = sorted({row["batch"] for row in summary(lake, dataset)})
    if batch or len(held) == 1:
        return batch or held[0]
    if not held:
        raise NotFound.of(f"nothing of {dataset} is in quarantine")
    raise NotFound.of(
        f"rows of {len(held)} batches of {dataset} are in quarantine", allowed=", ".join(held), step="give --batch"
    )


def _on_its_way(dataset: str, batch: str) -> None:
    """Run the batch from validation on, as its arrival did; what it made is said."""
    import dagster as dg

    from mlops_assets import keys
    from mlops_assets.cli.home import unlogged
    from mlops_assets.definitions import definitions
    from mlops_assets.errors import ContractError
    from mlops_assets.resources.declaration import batches
    from mlops_assets.settings import Settings

    job = definitions().resolve_job_def(keys.arrival_job(dataset))
    raw = dg.AssetKey(list(keys.key(dataset, "raw")))
    with unlogged(Settings.from_env()) as instance:
        instance.add_dynamic_partitions(str(batches(dataset).name), [batch])
        result = job.execute_in_process(
            instance=instance,
            partition_key=batch,
            tags={"mlops/dataset": dataset, "mlops/batch": batch},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            asset_selection=sorted(job.asset_layer.selected_asset_keys - {raw}),
            raise_on_error=False,
        )
    failed = [str(found.description) for found in result.get_asset_check_evaluations() if not found.passed]
    if not result.success:
        raise ContractError.of(f"{dataset} {batch} is still stopped: {'; '.join(failed) or 'see the run'}")
    click.echo(f"{dataset} {batch} went on its way: {len(result.get_asset_materialization_events())} assets made")
