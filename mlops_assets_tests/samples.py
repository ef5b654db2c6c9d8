"""The small real sample in `data/samples`: every twelfth flight of each carrier until June, weather, planes."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLES = Path(__file__).parent.parent / "data" / "samples" / "flight_delays"
MONTHS = tuple(f"2013-{month:02d}" for month in range(1, 7))
THINNED = 12


def land(landing: Path, months: Iterable[str] = MONTHS) -> list[Path]:
    """Let months arrive as the source does: planes once, then weather, then flights, each whole by renaming.

    Raises:
        FileNotFoundError: the sample does not have a month.
    """
    names = (name for month in months for name in ("planes/planes", f"weather/{month}", f"flights/{month}"))
    return [arrive(landing, name) for name in names]


def arrive(landing: Path, name: str) -> Path:
    """Let one file arrive, such as `flights/2013-01`, unless it lies there already."""
    sample, file = SAMPLES / f"{name}.parquet", landing / f"{name}.parquet"
    if not (file.is_file() and file.read_bytes() == sample.read_bytes()):
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(f"{file.name}.tmp")
        shutil.copyfile(sample, unfinished)
        os.replace(unfinished, file)  # noqa: PTH105 - the landing rule is write and rename
    return file


def thinned(flights: "pa.Table") -> "pa.Table":
    """Every twelfth flight of each carrier, its first among them, and each flight that has a delay but no arrival."""
    import duckdb

    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        db.register("flights", flights)
        return db.execute(
            f"""select * from flights
            qualify row_number() over (partition by carrier order by scheduled_departure, flight_id) % {THINNED} = 1
                or (arr_delay is not null and arrived_at is null)
            order by scheduled_departure, flight_id"""
        ).to_arrow_table()


def write() -> None:
    """Write the sample anew, from the source."""
    import pyarrow.parquet as pq

    from mlops_assets.defs.flight_delays import source

    for month in MONTHS:
        for file in source.extract(month, SAMPLES):
            if file.parent.name == "flights":
                pq.write_table(thinned(pq.read_table(file)), file, compression="zstd", compression_level=19)


if __name__ == "__main__":
    write()
