"""What lies in quarantine: counted by batch and reason, and row by row as it arrived."""

import json
from collections.abc import Sequence
from typing import Any

from mlops_assets import keys
from mlops_assets.errors import NotFound
from mlops_assets.stores import sql
from mlops_assets.stores.lake import BATCH, Lake

EXAMPLES = 5


def summary(lake: Lake, dataset: str) -> list[dict[str, Any]]:
    """Batch, reason, rows and the numbers of the first of them; the most frequent reasons of a batch first."""
    table = keys.table(dataset, "quarantine")
    if not lake.exists(table):
        return []
    query = f"""select {BATCH}, reason, count(*), min(_row, {EXAMPLES}) from
        (select {BATCH}, _row, unnest(reasons) as reason from {lake.scan(table)}) group by 1, 2 order by 1, 3 desc, 2"""
    with sql.session() as connection:
        found = connection.execute(query).fetchall()
    return [{"batch": b, "reason": why, "rows": count, "such_as": list(ids)} for b, why, count, ids in found]


def rows(lake: Lake, dataset: str, batch: str, numbers: Sequence[int] | None = None) -> list[dict[str, Any]]:
    """Quarantined rows of a batch by number: `_row`, `reasons`, and `row` with the values as they arrived.

    Raises:
        NotFound: nothing of this batch is in quarantine.
    """
    table = keys.table(dataset, "quarantine")
    if not lake.exists(table) or batch not in lake.batches(table):
        held = lake.batches(table) if lake.exists(table) else []
        raise NotFound.of(
            f"nothing of batch '{batch}' of {dataset} is in quarantine", allowed=", ".join(held) or "(no batch)"
        )
    where = None if numbers is None else f"_row in ({', '.join(str(int(n)) for n in numbers) or 'null'})"
    found = lake.read(table, batches=[batch], where=where).sort_by("_row").to_pylist()
    return [{"_row": row["_row"], "reasons": row["reasons"], "row": json.loads(row["row"])} for row in found]
