"""`mlops gc`: what can be removed, and with `--yes` its removal, which the lineage records."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mlops_assets.stores.garbage import Garbage


@click.command()
@click.option("--yes", is_flag=True, help="Remove it; left out, it is only told.")
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def gc(yes: bool, home: Path | None, as_json: bool) -> None:
    """Remove the versions that their retention lets go and no living model reaches, and what killed writers left.

    The profiles of rows that no version has any more go with them.
    """
    from mlops_assets.cli.datasets import retentions
    from mlops_assets.cli.home import prepare
    from mlops_assets.resources.stores import Stores
    from mlops_assets.stores import forgotten
    from mlops_assets.stores.delta import DeltaLake
    from mlops_assets.stores.garbage import find, remove
    from mlops_assets.stores.living import reached

    settings = prepare(home)
    stores, lake = Stores(), DeltaLake(settings.lake)
    found = find(lake, retentions(), reached(lake, stores.lineage(), stores.registry))
    profiles = forgotten.find(lake, settings.profiles, {garbage.table: garbage.versions for garbage in found})
    found += [profiles] if profiles.files else []
    rows = [record(garbage) for garbage in found]
    freed = 0
    if yes and any(garbage.files for garbage in found):
        stores.lineage().append("gc", "lake", {"tables": rows})
        freed = remove(found)
    if as_json:
        click.echo(json.dumps({"tables": rows, "removed": yes, "bytes": freed}, indent=2))
        return
    _tell(rows, freed, removed=yes)


def record(garbage: "Garbage") -> dict[str, Any]:
    """What can be removed of a table."""
    return {
        "table": garbage.table,
        "versions": list(garbage.versions),
        "kept_for_a_model": list(garbage.protected),
        "files": len(garbage.files),
        "orphans": garbage.orphans,
        "bytes": garbage.bytes,
    }


def _tell(rows: list[dict[str, Any]], freed: int, *, removed: bool) -> None:
    from mlops_assets.cli.tables import show, size

    if not rows:
        click.echo("there is nothing to remove")
        return
    show("Garbage", [{**row, "table": row["table"] or "(spool)", "bytes": size(row["bytes"])} for row in rows])
    if removed:
        click.echo(f"{size(freed)} freed")
    elif any(row["files"] for row in rows):
        click.echo("nothing was removed; next: mlops gc --yes")
    else:
        click.echo("there is nothing to remove")
