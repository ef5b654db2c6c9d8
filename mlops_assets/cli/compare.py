"""`mlops compare`: what differs between two model versions or runs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object, the code's patch with it.")
@click.option("--patch", is_flag=True, help="Show how the committed code differs.")
def compare(a: str, b: str, home: Path | None, as_json: bool, patch: bool) -> None:
    """Compare A and B: MODEL@3, MODEL@champion, or the id of an MLflow run."""
    from mlops_assets.cli.home import prepare
    from mlops_assets.resources.stores import Stores
    from mlops_assets.rooms.govern.comparison import compare as compared
    from mlops_assets.rooms.govern.comparison import side

    prepare(home)
    stores = Stores()
    lineage, registry = stores.lineage(), stores.registry()
    found = compared(lineage, side(lineage, registry, a), side(lineage, registry, b))
    if as_json:
        click.echo(json.dumps(found.to_dict(), indent=2))
        return
    for title in ("metrics", "parameters", "data", "code", "environment"):
        _table(title, (a, b), getattr(found, title))
    for line in found.files:
        click.echo(f"  {line}")
    click.echo("the models are the same, byte for byte" if found.same_model else "the models differ")
    if patch:
        click.echo(found.patch or "the committed code is the same")


def _table(title: str, names: tuple[str, str], pairs: Mapping[str, tuple[Any, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not pairs:
        click.echo(f"{title}: the same")
        return
    table = Table(title=title, title_justify="left")
    for name in ("", *names):
        table.add_column(name, overflow="fold")
    for name, (left, right) in pairs.items():
        marked = name if left == right else f"[bold]{name}[/]"
        table.add_row(marked, _text(left), _text(right))
    Console().print(table)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return f"version {value[0]}, {str(value[1])[:12]}"
    if isinstance(value, float):
        return f"{value:.5g}"
    return str(value)[:80]
