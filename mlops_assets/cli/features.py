"""`mlops features`: who owns, uses and refreshes which features, and what the online store answers."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlops_assets.errors import MlopsError, UnknownName

if TYPE_CHECKING:
    from mlops_assets.components.house import House
    from mlops_assets.resources.stores import Stores

HOME = click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group()
def features() -> None:
    """List, show and search features; look them up, and refresh the online store."""


@features.command("list")
@JSON
@HOME
def list_(as_json: bool, home: Path | None) -> None:
    """List the feature tables: who owns, uses and refreshes each."""
    from mlops_assets.cli.tables import show as table

    house, stores = _opened(home)
    entries = [_entry(house, stores, name) for name in sorted(house.tables)]
    if as_json:
        click.echo(json.dumps(entries, indent=2))
        return
    shown = ("table", "version", "dataset", "features", "owners", "used_by", "released", "refreshed_by", "batch")
    table("Feature tables", [{name: each[name] for name in shown} for each in entries])


@features.command("show")
@click.argument("table")
@JSON
@HOME
def show_(table: str, as_json: bool, home: Path | None) -> None:
    """Show every feature of TABLE and what it means."""
    from mlops_assets.cli.tables import show
    from mlops_assets.rooms.features import catalog

    house, stores = _opened(home)
    entry = _entry(house, stores, _named(house, table))
    listed = [feature.to_dict() for feature in catalog.features(house.tables[table])]
    if as_json:
        click.echo(json.dumps({**entry, "definitions": listed}, indent=2))
        return
    show(table, [{"": name, "is": _said(value)} for name, value in entry.items() if name not in ("table", "online")])
    show("Features", [{name: value for name, value in each.items() if name != "table"} for each in listed])


@features.command("search")
@click.argument("words", nargs=-1, required=True)
@JSON
@HOME
def search(words: tuple[str, ...], as_json: bool, home: Path | None) -> None:
    """Find the features that have every one of WORDS in name, meaning, source, table or owner."""
    from mlops_assets.cli.tables import show
    from mlops_assets.rooms.features import catalog

    house, _ = _opened(home)
    found = [feature.to_dict() for feature in catalog.search(house.tables, " ".join(words))]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif found:
        show(f"Features with {' '.join(words)}", found)
    else:
        click.echo(f"no feature has {' '.join(words)}")


@features.command("look")
@click.argument("table")
@click.argument("columns", nargs=-1, required=True, metavar="COLUMN=VALUE...")
@click.option("--now", help="The moment from which ages are told, ISO; default: by the table's clock.")
@JSON
@HOME
def look(*, table: str, columns: tuple[str, ...], now: str | None, as_json: bool, home: Path | None) -> None:
    """Look up the features of a request to TABLE, as a prediction service does."""
    from mlops_assets.cli.tables import show
    from mlops_assets.rooms.features.lookup import Lookup

    house, stores = _opened(home)
    lookup = Lookup.of(stores.lake(), stores.online(), house.table(_named(house, table)))
    moment = _moment(now) if now else lookup.now()
    [looked] = lookup.of_requests([lookup.read(dict(map(_pair, columns)))], now=moment)
    rows = [
        {
            "feature": name,
            "value": value,
            "age": _age(looked.ages, name),
            "stale": "stale" if name in looked.stale else "",
        }
        for name, value in looked.values.items()
    ]
    click.echo(json.dumps(rows, indent=2)) if as_json else show(f"{table}, as of {moment:%Y-%m-%d %H:%M} UTC", rows)


@features.command("refresh")
@click.argument("table")
@HOME
def refresh_(table: str, home: Path | None) -> None:
    """Bring the online store up to what the lake knows of TABLE, between two arrivals."""
    from mlops_assets.rooms.features.online import refresh

    house, stores = _opened(home)
    done = refresh(stores.lake(), stores.online(), house.table(_named(house, table)))
    for view, count in done.rows.items():
        click.echo(f"{view}: {count} entities taken anew")
    click.echo(f"as of {done.as_of.isoformat() if done.as_of else 'no moment: nothing has a time'}")


def _opened(home: Path | None) -> "tuple[House, Stores]":
    from mlops_assets.cli.datasets import house
    from mlops_assets.cli.home import prepare
    from mlops_assets.resources.stores import Stores

    prepare(home)
    return house(), Stores()


def _named(house: "House", table: str) -> str:
    if table not in house.tables:
        raise UnknownName.among("feature table", table, house.tables)
    return table


def _entry(house: "House", stores: "Stores", table: str) -> dict[str, Any]:
    from mlops_assets.rooms.features.catalog import entry

    plan = house.table(table)
    return entry(stores.lake(), stores.lineage(), plan, house.models.values(), house.tables.values())


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise MlopsError.of("not a column and its value", got=text, allowed="column=value")
    return name, value


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as problem:
        raise MlopsError.of("not a moment", got=text, allowed="ISO, such as 2013-06-01T12:00") from problem
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _age(ages: dict[str, Any], name: str) -> str:
    if name not in ages:
        return "of the request"
    return "no time" if ages[name] is None else str(ages[name]).partition(".")[0]


def _said(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
