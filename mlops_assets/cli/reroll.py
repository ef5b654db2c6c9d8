"""`mlops reroll`: brings back data, code, environment and model of a snapshot together; a dry run first."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mlops_assets.rooms.govern.reroll import Reroll


@click.command()
@click.argument("snapshot")
@click.option("--apply", "apply_", is_flag=True, help="Do it; without this nothing is made.")
@click.option("--verify", is_flag=True, help="Do it, read all fingerprints again, and train again.")
@click.option("--partly", is_flag=True, help="Go on without what cannot be had.")
@click.option("--into", type=click.Path(path_type=Path), help="The folder; default: data/rerolls/MODEL-vN.")
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def reroll(snapshot: str, home: Path | None, into: Path | None, **asked: bool) -> None:
    """Bring SNAPSHOT back: MODEL@3, MODEL@champion, a run's id, or a record such as #12."""
    from mlops_assets.cli.home import prepare

    settings = prepare(home)
    found = _opened(snapshot)
    folder = (into or settings.data / "rerolls" / found.subject.name).resolve()
    told: dict[str, Any] = {"snapshot": found.subject.name, "folder": str(folder), "done": False}
    told["parts"] = [vars(part) for part in found.parts()]
    if asked["apply_"] or asked["verify"]:
        environment = found.restore(folder, partly=asked["partly"])
        told |= {"done": True, "python": str(environment.python) if environment else None}
        if asked["verify"] and environment is not None:
            told["verified"] = found.verify(folder, environment)
            told["same"] = all(row["same"] for row in told["verified"])
    click.echo(json.dumps(told, indent=2)) if asked["as_json"] else _print(told)
    if told.get("same") is False or (asked["verify"] and "same" not in told):
        raise SystemExit(1)


def _opened(snapshot: str) -> "Reroll":
    from mlops_assets.resources.stores import Stores
    from mlops_assets.rooms.govern.reroll import Reroll
    from mlops_assets.rooms.govern.subject import find

    stores = Stores()
    lineage, registry = stores.lineage(), stores.registry()
    subject = find(lineage, registry, snapshot)
    return Reroll(subject, stores.settings().lake, lineage, registry, stores.environments())


def _print(told: dict[str, Any]) -> None:
    rows = [(p["kind"], p["name"], p["how"], p["lacking"] or "yes") for p in told["parts"]]
    _table(f"{told['snapshot']} into {told['folder']}", ("part", "name", "from", "can be had"), rows)
    if not told["done"]:
        click.echo("a dry run: nothing was made; --apply brings it back, --verify proves it")
        return
    click.echo(f"brought back to {told['folder']}; its Python: {told['python'] or '(cannot be had)'}")
    if "verified" in told:
        made = [(r["part"], r["name"], _short(r["recorded"]), _short(r["found"]), _word(r)) for r in told["verified"]]
        _table("read and trained again", ("part", "name", "recorded", "found", "same"), made)
        differ = ", ".join(f"{row['part']} ({row['name']})" for row in told["verified"] if not row["same"])
        click.echo(f"it differs in: {differ}" if differ else "all the same, down to the bytes")


def _table(title: str, head: "Sequence[str]", rows: "Iterable[Sequence[str]]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _word(row: dict[str, Any]) -> str:
    return "yes" if row["same"] else "NO"


def _short(value: object) -> str:
    text = str(value)
    return text[:16] if len(text) == 64 else text[:60]  # noqa: PLR2004 - a SHA-256
