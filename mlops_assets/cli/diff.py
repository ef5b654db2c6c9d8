"""`mlops diff`: the rows, columns and distributions in which two versions of a table differ."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from mlops_assets.stores.difference import Difference

SHOWN: Final = {"null_percentage": "null %", "distinct": "distinct", "min": "min", "q50": "median", "max": "max"}
"""Figures of a column that a line has room for, and the words for them; `--json` has all."""


@click.command()
@click.argument("dataset")
@click.argument("versions", metavar="A B", type=int, nargs=2)
@click.option("--key", "keys", help="The columns that name a row: a,b; default: the dataset's declared key.")
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def diff(dataset: str, versions: tuple[int, int], keys: str | None, home: Path | None, as_json: bool) -> None:
    """Compare versions A and B of DATASET: its clean table, or any other as flights/raw/2013-01."""
    from mlops_assets.cli.datasets import table
    from mlops_assets.cli.home import prepare
    from mlops_assets.stores.delta import DeltaLake
    from mlops_assets.stores.difference import between

    lake = DeltaLake(prepare(home).lake)
    meant = table(lake, dataset)
    key = _declared(meant) if keys is None else [name.strip() for name in keys.split(",") if name.strip()]
    found = between(lake, meant, *versions, key)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
        return
    _tell(found)


def _declared(table: str) -> Sequence[str]:
    """The key of the dataset whose rows the table holds; none where it holds something else."""
    from mlops_assets.cli.datasets import datasets

    noun, stage, *_ = table.split("/")
    plan = datasets().get(noun)
    return plan.dataset.key if plan and stage in ("raw", "clean") else ()


def _tell(found: "Difference") -> None:
    from mlops_assets.cli.tables import show

    a, b = found.versions
    click.echo(f"{found.table}: version {a} has {found.rows[0]:,} rows, version {b} {found.rows[1]:,}")
    counts = {"added": found.added, "removed": found.removed, "changed": found.changed}
    rows = [
        {
            "rows": what,
            "count": "not known without a key" if count is None else count,
            "such as": list(found.examples.get(what, ())),
        }
        for what, count in counts.items()
    ]
    show("Rows", rows)
    for what, names in found.columns.items():
        if names:
            click.echo(f"columns {what}: {', '.join(names)}")
    if found.spread:
        show("Columns", _spread(found))


def _spread(found: "Difference") -> list[dict[str, object]]:
    """A line a column: how many of the changed rows differ in it, and which of its figures moved."""
    return [
        {
            "column": column,
            "changed": found.cells.get(column, 0),
            "figures": "; ".join(
                f"{word} {' -> '.join(str(each) for each in figures[name])}"
                for name, word in SHOWN.items()
                if name in figures
            ),
        }
        for column, figures in found.spread.items()
    ]
