"""`mlops stress`: sweeps load against a private instance of a model, and sets workers, batch size and limit."""

import json
from pathlib import Path
from typing import Any

import click

from mlops_assets.errors import UnknownName


@click.command()
@click.argument("model")
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
@click.option("--version", type=int, default=0, help="Which one; default: the live one, whose limits are set.")
@click.option("--json", "as_json", is_flag=True, help="Print the sweep as JSON.")
def stress(*, model: str, home: Path | None, version: int, as_json: bool) -> None:
    """Find where MODEL bends under load; its report is an asset, and its limits are set."""
    import dagster as dg

    from mlops_assets.cli.home import prepare
    from mlops_assets.definitions import definitions
    from mlops_assets.resources.stores import Stores

    prepare(home)
    models = Stores().serving().models()
    if model not in models:
        raise UnknownName.among("released model", model, models, step="release it first")
    key = dg.AssetKey([model, "stress_report"])
    job = definitions().resolve_implicit_global_asset_job_def()
    silent: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    silent["ops"] = {f"{model}_stress_report": {"config": {"version": version}}}
    with dg.DagsterInstance.get() as instance:
        done = job.execute_in_process(instance=instance, asset_selection=[key], run_config=silent)
    [made] = done.get_asset_materialization_events()
    found = {name: value.value for name, value in made.materialization.metadata.items()}
    if as_json:
        click.echo(json.dumps({name: value for name, value in found.items() if isinstance(value, int | float)}))
        return
    click.echo(
        f"{model} bends at {found['knee_connections']} connections: {found['throughput']:,.0f} answers a second, "
        f"p99 {found['p99_ms']:.2f} ms"
    )
    kept = "would suit" if version else "set"
    click.echo(f"{kept}: workers {found['workers']}, batch {found['batch_size']}, in flight {found['in_flight']}")
    click.echo(
        f"report: {found['report_file']}\nA running service takes batch and limit at once, workers when it starts."
    )
