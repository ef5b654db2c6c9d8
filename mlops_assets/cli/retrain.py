"""`mlops retrain`: a person's demand, the kill switch, and the last decisions with their reasons."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlops_assets.errors import UnknownName

if TYPE_CHECKING:
    from mlops_assets.rooms.retrain.table import Row


@click.command()
@click.argument("model")
@click.option("--reason", default="", help="Why; it is recorded. Needed for a demand, and to pause.")
@click.option("--pause", is_flag=True, help="Ask for no challenger of MODEL until it is resumed.")
@click.option("--resume", is_flag=True, help="Let MODEL be trained again; what waited is looked at anew.")
@click.option("--log", is_flag=True, help="Show the last decisions, each with its reason.")
@click.option("--json", "as_json", is_flag=True, help="The log as JSON.")
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
def retrain(*, model: str, reason: str, pause: bool, resume: bool, log: bool, as_json: bool, home: Path | None) -> None:
    """Ask for a challenger of MODEL, pause or resume its retraining, or look at what was decided."""
    from mlops_assets.cli.home import prepare
    from mlops_assets.cli.nouns import nouns
    from mlops_assets.definitions import definitions
    from mlops_assets.resources.stores import Stores
    from mlops_assets.rooms.retrain.ledger import Ledger
    from mlops_assets.rooms.retrain.table import decisions

    if pause + resume + log > 1:
        raise click.UsageError("give one of --pause, --resume and --log")
    if not (reason or resume or log):
        raise click.UsageError("say why: give --reason")
    prepare(home)
    known = nouns(definitions()).models
    if model not in known:
        raise UnknownName.among("model", model, known)
    ledger = Ledger(Stores().lineage(), model)
    if log:
        _show(decisions(ledger), as_json=as_json)
    elif pause or resume:
        ledger.switch(paused=pause, reason=reason or "resumed")
        waits = "waits until it is resumed" if pause else "is looked at anew at the next tick"
        click.echo(f"{model} is {'paused' if pause else 'resumed'}; what asks for a challenger {waits}")
    else:
        number = ledger.wish(reason).sequence
        click.echo(f"demand {number} for {model} is recorded; the sensor {model}_retrain answers it next")


def _show(rows: "list[Row]", *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        causes = f" [{row['causes']}]" if row["causes"] else ""
        click.echo(f"{row['clock']}  {row['decision']:<8}{causes} {row['why']}")
        if row["outcome"]:
            click.echo(f"{'':<28}{row['outcome']}")
