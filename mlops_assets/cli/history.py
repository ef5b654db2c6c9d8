"""`mlops history`: who released what, when, and on what evidence; and whether the record holds together."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlops_assets.rooms.govern.history import Event


@click.command()
@click.argument("model")
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def history(model: str, home: Path | None, as_json: bool) -> None:
    """Tell the life of MODEL, and verify the record: a chain that was touched ends with an error."""
    from mlops_assets.cli.home import prepare
    from mlops_assets.resources.stores import Stores
    from mlops_assets.rooms.govern.history import events, verify

    prepare(home)
    stores = Stores()
    found = events(stores.lineage(), model)
    seal = verify(stores.lineage(), stores.registry(), model)
    if as_json:
        click.echo(json.dumps({"model": model, **seal, "events": [event.to_dict() for event in found]}, indent=2))
        return
    _print(model, found, seal)


def told(model: str) -> str:
    """The release that stands, in a sentence."""
    from mlops_assets.resources.stores import Stores
    from mlops_assets.rooms.release.record import standing

    stands = standing(Stores().lineage(), model)
    if stands is None:
        return f"{model} has no champion"
    until = f", until {stands.expires}" if stands.expires else ""
    return f"{model} version {stands.version} is champion: {stands.decision} by {stands.who}{until}"


def _print(model: str, events: "list[Event]", seal: "Mapping[str, Any]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=model, title_justify="left")
    for name in ("#", "when", "what", "v", "decision", "evidence"):
        table.add_column(name, no_wrap=True)
    table.add_column("who, and why")
    for event in events:
        version = "" if event.version is None else str(event.version)
        said = ": ".join(word for word in (event.who, event.why) if word)
        shown = (event.at[:10], event.kind, version, event.decision, event.evidence[:8], said)
        table.add_row(str(event.sequence), *shown)
    Console().print(table)
    click.echo(f"the chain holds: {seal['records']} records, the newest {str(seal['head'])[:16]}")
    for word in seal["warnings"]:
        click.echo(f"! {word}")
