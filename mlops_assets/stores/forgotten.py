"""What was kept of rows that no version has any more: the profiles of batches that were replaced and let go."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlops_assets import keys
from mlops_assets.stores import sql
from mlops_assets.stores.garbage import Garbage
from mlops_assets.stores.lake import BATCH
from mlops_assets.stores.log import Log

if TYPE_CHECKING:
    from mlops_assets.stores.delta import DeltaLake

NAME: Final = "(profiles)"


def find(lake: "DeltaLake", kept: Path, leaving: Mapping[str, Collection[int]]) -> Garbage:
    """The profiles of rows that are in no version which can be read; nothing is touched.

    Args:
        lake: the tables.
        kept: the folder of profiles, a folder a dataset, a file a fingerprint.
        leaving: table to the versions that are about to be let go.
    """
    files: dict[Path, int] = {}
    for folder in sorted(kept.glob("*/")):
        table = keys.table(folder.name, "clean")
        alive = _alive(lake, table, leaving.get(table, ())) if lake.exists(table) else set()
        files |= {file: file.stat().st_size for file in sorted(folder.glob("[!.]*")) if file.name not in alive}
    return Garbage(NAME, (), (), files, len(files))


def _alive(lake: "DeltaLake", table: str, leaving: Collection[int]) -> set[str]:
    """The fingerprint of every batch in every version that stays, as the commits tell them."""
    log, batches, told = Log.read(lake.path / table), dict[str, str](), True
    lost, alive = log.gone() | set(leaving), set[str]()
    for version in log.versions:
        if batch := version.info.get("batch"):
            batches[batch] = version.info["fingerprint"]
        else:  # all were written at once, and the commit has the fingerprint of the whole
            told = False
        if version.number in lost:
            continue
        if not told:
            batches, told = _read(lake, table, version.number), True
        alive |= set(batches.values())
    return alive


def _read(lake: "DeltaLake", table: str, version: int) -> dict[str, str]:
    with sql.session() as connection:
        query = f"select distinct {BATCH} from {lake.scan(table, version=version)}"
        names = [name for (name,) in connection.execute(query).fetchall()]
    return {name: lake.fingerprint(table, batch=name, version=version) for name in names}
