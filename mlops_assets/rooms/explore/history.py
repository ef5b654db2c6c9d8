"""What is known of a version by its batches: figures and sketches that were kept merge, and their rows stay unread."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.rooms.explore import measure, profile, sketches
from mlops_assets.stores import sql
from mlops_assets.stores.lake import BATCH, Lake

if TYPE_CHECKING:
    from mlops_assets.stores.cache import Cache


@dataclass(frozen=True)
class History:
    """The versions of a dataset's clean table.

    Attributes:
        lake: the tables.
        dataset: its name.
        kept: where the sketches of batches are; None: nowhere.
    """

    lake: Lake
    dataset: str
    kept: "Cache | None" = None

    def batches(self, version: int) -> dict[str, str]:
        """The batches of a version, in order, each with the fingerprint of its rows.

        Raises:
            NotFound: there is no such version.
        """
        table = keys.table(self.dataset, "clean")
        with sql.session() as connection:
            query = f"select distinct {BATCH} from {self.lake.scan(table, version=version)} order by 1"
            names = [name for (name,) in connection.execute(query).fetchall()]
        return {name: self.lake.fingerprint(table, batch=name, version=version) for name in names}

    def sketches(self, version: int) -> list[sketches.Sketch]:
        """How the values of a version are spread; a batch of which nothing was kept is read."""
        found = self.batches(version).items()
        return sketches.together(
            sketches.of_batch(self.lake, self.dataset, batch, fingerprint, kept=self.kept, version=version)
            for batch, fingerprint in found
        )

    def profiles(self, version: int) -> list[profile.ColumnProfile]:
        """The figures of a version's columns, as its batches had them; a batch that was not profiled so is read."""
        known, columns = self._profiled(), dict[str, list[profile.ColumnProfile]]()
        for batch, fingerprint in self.batches(version).items():
            for each in known.get((batch, fingerprint)) or self._measured(batch, version):
                columns.setdefault(each.column, []).append(each)
        return [profile.merge([part for part in parts if part.type == parts[-1].type]) for parts in columns.values()]

    def _measured(self, batch: str, version: int) -> list[profile.ColumnProfile]:
        return measure.of_table(self.lake.read(keys.table(self.dataset, "clean"), batches=[batch], version=version))

    def _profiled(self) -> dict[tuple[str, str], list[profile.ColumnProfile]]:
        table = keys.table(self.dataset, "profile")
        if not self.lake.exists(table):
            return {}
        with sql.session() as connection:
            query = f"select distinct {BATCH}, fingerprint from {self.lake.scan(table)}"
            pairs: list[tuple[str, str]] = connection.execute(query).fetchall()
        return {(batch, mark): profile.from_table(self.lake.read(table, batches=[batch])) for batch, mark in pairs}
