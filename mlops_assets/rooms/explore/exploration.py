"""One batch explored: its profile, and what changed since its last version, or else since the batch before."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.errors import NotFound
from mlops_assets.rooms.explore import changes, measure, profile, sketches
from mlops_assets.rooms.explore.eda import Subject
from mlops_assets.spec.dataset import Dataset
from mlops_assets.stores.lake import BATCH, Lake

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.stores.cache import Cache


@dataclass(frozen=True)
class Exploration:
    """What is known of a batch.

    Attributes:
        subject: which batch it is.
        rows: of the batch.
        profiles: of every column.
        compared_with: what the changes look back at, in words; empty: nothing was before.
        changes: since then.
        spread: a sketch of each column's values.
    """

    subject: Subject
    rows: "pa.Table"
    profiles: list[profile.ColumnProfile]
    compared_with: str
    changes: list[changes.Change]
    spread: list[sketches.Sketch] = field(default_factory=list)

    def figures(self) -> dict[str, float | int | bool | None]:
        """The numbers that are plotted over time."""
        cells = sum(found.rows for found in self.profiles)
        return {
            "rows": self.rows.num_rows,
            "columns": len(self.profiles),
            "null_share": sum(found.nulls for found in self.profiles) / cells if cells else 0.0,
            "changed_columns": len(changes.columns(self.changes)),
        }


def explore(lake: Lake, dataset: Dataset, batch: str, kept: "Cache | None" = None) -> Exploration:
    """Profile a clean batch and compare it with what was there before.

    Args:
        lake: the tables.
        dataset: whose batch it is.
        batch: its name.
        kept: where the sketches of batches are kept; None: nowhere, and earlier batches are read again.

    Raises:
        NotFound: no such batch was judged; one of which no row is clean has a page like any other.
    """
    table = keys.table(dataset.name, "clean")
    if not lake.exists(table) or not (batch in lake.batches(table) or lake.exists(keys.raw_table(dataset.name, batch))):
        raise NotFound.of(f"no batch '{batch}' in '{table}'", step=f"materialize {table} for it")
    rows, fingerprint = lake.read(table, batches=[batch]), lake.fingerprint(table, batch=batch)
    zone = dataset.period.timezone if dataset.period else "UTC"
    subject = Subject(dataset.name, batch, lake.version(table), fingerprint, dataset.event_time, zone)
    profiles = measure.of_table(rows)
    compared_with, before = _before(lake, subject)
    now = sketches.of_batch(lake, dataset.name, batch, fingerprint, kept=kept, rows=rows)
    others = [sketch for sketch in now if sketch.column not in dataset.key]
    spread = _spread(lake, subject, others, kept) if compared_with else []
    found = changes.between(before, profiles) if compared_with else []
    return Exploration(subject, rows, profiles, compared_with, [*found, *spread], now)


def _spread(lake: Lake, subject: Subject, now: "list[sketches.Sketch]", kept: "Cache | None") -> list[changes.Change]:
    """How far the values are from those of the batch before, and of all before, by what was kept of each."""
    table = keys.table(subject.dataset, "profile")
    told = lake.read(table, columns=[BATCH, "fingerprint"])
    known = dict(zip(told[BATCH].to_pylist(), told["fingerprint"].to_pylist(), strict=True))
    clean = lake.batches(keys.table(subject.dataset, "clean"))
    earlier = [batch for batch in sorted(known) if batch < subject.batch and batch in clean]
    each = [sketches.of_batch(lake, subject.dataset, batch, known[batch], kept=kept) for batch in earlier]
    if not each:
        return []
    last, ever = sketches.distances(each[-1], now), sketches.distances(sketches.together(each), now)
    usual = sketches.distances(sketches.together(each[:-1]), each[-1])
    return changes.spread(last, ever, usual, len(each))


def _before(lake: Lake, subject: Subject) -> tuple[str, list[profile.ColumnProfile]]:
    table = keys.table(subject.dataset, "profile")
    explored = lake.batches(table) if lake.exists(table) else []
    if subject.batch in explored:
        last = lake.read(table, batches=[subject.batch])
        if last["fingerprint"][0].as_py() != subject.fingerprint:
            return "its last version", profile.from_table(last)
    whole = set(lake.batches(keys.table(subject.dataset, "clean")))  # of the others no row is clean
    earlier = [batch for batch in explored if batch < subject.batch and batch in whole]
    return (earlier[-1], profile.from_table(lake.read(table, batches=[earlier[-1]]))) if earlier else ("", [])
