"""`mlops up`: Dagster's UI and daemon, MLflow's and Evidently's UIs, the reports, and predictions, until Ctrl-C."""

from pathlib import Path

import click


@click.command()
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
@click.option("--port", default=3000, show_default=True, help="Of Dagster's UI.")
@click.option("--ingest-port", default=3002, show_default=True, help="To which rows of streams are posted, if any.")
@click.option("--serve-port", default=8000, show_default=True, help="Of the prediction service.")
def up(home: Path | None, port: int, ingest_port: int, serve_port: int) -> None:
    """Run the whole stack on this machine's loopback."""
    import dagster as dg

    from mlops_assets.cli.home import only_one, prepare
    from mlops_assets.cli.ingest import ingesting
    from mlops_assets.cli.reconcile import reconcile
    from mlops_assets.cli.stack import stack
    from mlops_assets.rooms.serve.supervisor import tended

    settings = prepare(home)
    with only_one(settings):
        with dg.DagsterInstance.get() as instance:
            for run in reconcile(instance):
                click.echo(f"run {run} had been interrupted; its sensor asks for it again")
        log = settings.data / "serve.log"
        with (
            ingesting(settings.home, ingest_port) as posts,
            tended(settings, port=serve_port, log=log) as served,
            stack(settings, port) as running,
        ):
            click.echo(f"Dagster's UI: {running.url}\nMLflow's UI:  {settings.mlflow_url}")
            click.echo(f"Windows:      {settings.evidently_url}, in Evidently's UI")
            click.echo(f"Reports:      {settings.reports_url}\nPredictions:  {served.url}/docs")
            click.echo(f"Streams:      {posts}<dataset>\nCtrl-C ends it." if posts else "Ctrl-C ends it.")
            running.wait()
