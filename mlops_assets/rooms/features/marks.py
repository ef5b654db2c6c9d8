"""How far an online view was refreshed, and what has changed in the lake since."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from mlops_assets.errors import NotFound
from mlops_assets.stores.lake import Lake


@dataclass(frozen=True)
class Mark:
    """How far a view was refreshed.

    Attributes:
        as_of: the moment as of which its statistics were taken; None when nothing has a moment.
        version: of the table that it comes from.
        digest: of the declaration.
    """

    as_of: datetime | None
    version: int
    digest: str

    @classmethod
    def read(cls, text: str) -> Self | None:
        """From what the store keeps; None when it keeps nothing."""
        if not text:
            return None
        found = json.loads(text)
        as_of = datetime.fromisoformat(found["as_of"]) if found["as_of"] else None
        return cls(as_of, found["version"], found["digest"])

    def text(self) -> str:
        """As the store keeps it."""
        as_of = self.as_of.isoformat() if self.as_of else None
        return json.dumps({"as_of": as_of, "version": self.version, "digest": self.digest})


@dataclass(frozen=True)
class Changes:
    """The batches of a table that were written since a version.

    Attributes:
        batches: all of them.
        replaced: those that were there before.
        since: the version.
    """

    batches: tuple[str, ...]
    replaced: tuple[str, ...]
    since: int

    @classmethod
    def after(cls, lake: Lake, table: str, version: int) -> Self | None:
        """Read the table's history; None when the version's files are gone, so that nobody can tell what it held."""
        history = lake.history(table)
        before = {record.get("batch", "") for record in history if int(record["number"]) <= version}
        after = sorted({record.get("batch", "") for record in history if int(record["number"]) > version})
        replaced = tuple(batch for batch in after if batch in before)
        if replaced and not _readable(lake, table, version):
            return None
        return cls(tuple(after), replaced, version)


def _readable(lake: Lake, table: str, version: int) -> bool:
    try:
        lake.scan(table, version=version)
    except NotFound:
        return False
    return True
