"""`mlops versions`: every version of a table, with the run, code and environment of its commit."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mlops_assets.stores.log import Version

CARRIED = ("operation", "batch", "fingerprint", "run_id", "code", "tree", "environment", "file")
SHOWN = 8
"""Digits of a digest that a person needs to tell it from the others."""


@click.command()
@click.argument("dataset")
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list, with whole digests.")
def versions(dataset: str, home: Path | None, as_json: bool) -> None:
    """List the versions of DATASET: its clean table, or any other as flights/raw/2013-01."""
    from mlops_assets.cli.datasets import table
    from mlops_assets.cli.home import prepare
    from mlops_assets.cli.tables import show, size
    from mlops_assets.stores.delta import DeltaLake
    from mlops_assets.stores.log import Log

    lake = DeltaLake(prepare(home).lake)
    meant = table(lake, dataset)
    log = Log.read(lake.path / meant)
    gone = log.gone()
    rows = [record(version, readable=version.number not in gone) for version in log.versions]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    shown = [
        {
            "version": row["version"],
            "time": str(row["time"])[:19].replace("T", " "),
            "batch": row["batch"],
            "size": size(row["bytes"]),
            **{name: (row[name] or "")[:SHOWN] for name in ("fingerprint", "run_id", "code", "tree", "environment")},
            **({} if not gone else {"state": "" if row["readable"] else "let go"}),
        }
        for row in rows
    ]
    show(meant, shown)


def record(version: "Version", *, readable: bool) -> dict[str, Any]:
    """What is known of a version."""
    return {
        "version": version.number,
        "time": datetime.fromtimestamp(version.at / 1000, UTC).isoformat(),
        "bytes": sum(version.files.values()),
        "files": len(version.files),
        "readable": readable,
        **{name: version.info.get(name) for name in CARRIED},
    }
