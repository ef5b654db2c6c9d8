"""`<dataset>/raw`: a landed file as it arrived, a partition a batch; what can't be read never becomes a batch."""

import statistics
from collections.abc import Sequence
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

import dagster as dg

from mlops_assets import keys
from mlops_assets.errors import LandingError
from mlops_assets.resources import declaration, presentation
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.ingest import freshness, landing, readers
from mlops_assets.rooms.ingest.numbering import numbered
from mlops_assets.spec.base import duration_text
from mlops_assets.spec.plan import DatasetPlan

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.stores.lake import TableVersion

RECENT = 24
"""Batches with which the volume of a new one is compared."""
ENOUGH = 3
"""Earlier batches below which there is nothing to compare with."""
USUAL = (0.5, 2.0)
"""The share of the median's rows between which a batch is usual."""


def build(plan: DatasetPlan) -> list[dg.AssetsDefinition]:
    """The raw asset of one dataset, with its checks."""
    dataset = plan.dataset
    spec = declaration.asset_spec(
        dataset.name,
        "raw",
        room="ingest",
        description=f"What arrived for {dataset.name}, as it arrived: a file is a batch.",
        kinds=("duckdb", "deltalake"),
        owners=dataset.owners,
        way=dataset.name,
        partitions_def=declaration.batches(dataset.name),
        configuration=dataset.source.model_dump_json(),
        skippable=True,
        freshness_policy=_policy(dataset.freshness),
    )
    checks = [
        dg.AssetCheckSpec(
            "readable", asset=spec.key, blocking=True, description="The file is whole, and what its suffix says."
        ),
        dg.AssetCheckSpec("not_empty", asset=spec.key, blocking=True, description="The file has rows."),
        dg.AssetCheckSpec("volume", asset=spec.key, description="About as many rows as the batches before."),
    ]

    if dataset.freshness:
        said = f"The newest row follows the one before within {duration_text(dataset.freshness)}, by the data's clock."
        checks.append(dg.AssetCheckSpec("freshness", asset=spec.key, description=said))

    @dg.multi_asset(name=f"{dataset.name}_raw", specs=[spec], check_specs=checks)
    def raw(context: dg.AssetExecutionContext, stores: Stores) -> declaration.Events:
        try:
            arrival = landing.locate(dataset, stores.settings().home, context.partition_key)
            with readers.opened(arrival.path) as read:
                column = dataset.source.numbered
                rows = numbered(read, column, arrival.batch) if column else read
                version = _written(context, stores, arrival, rows)
        except LandingError as error:
            yield from _unread(spec.key, str(error), [check.name for check in checks[1:]])
            return
        file, count = arrival.path.name, version.rows if version else 0
        if version:
            yield _materialized(spec.key, arrival, version, rows.schema)
        yield _check(spec.key, "readable", passed=True, said=f"{file} was read")
        yield _check(spec.key, "not_empty", passed=count > 0, said=f"{file} has {count} rows")
        yield _volume(context, spec.key, count)
        if dataset.freshness:
            passed, said = freshness.judged(stores.lake(), dataset, arrival.batch, dataset.freshness)
            yield _check(spec.key, "freshness", passed=passed, said=said, warns=True)

    return [raw]


def _policy(longest: timedelta | None) -> dg.FreshnessPolicy | None:
    """The longest silence by the clock on the wall; by the data's own clock the check `freshness` says the same."""
    return dg.FreshnessPolicy.time_window(longest) if longest else None


def _written(
    context: dg.AssetExecutionContext, stores: Stores, arrival: landing.Arrival, rows: "pa.RecordBatchReader"
) -> "TableVersion | None":
    """Write the rows while they are read; none when there are none."""
    import pyarrow as pa

    first = next((batch for batch in rows if batch.num_rows), None)
    if first is None:
        return None
    whole = pa.RecordBatchReader.from_batches(rows.schema, chain([first], rows))
    table = keys.raw_table(context.asset_key.path[0], arrival.batch)
    commit = {"run_id": context.run.run_id, "file": arrival.path.name, "file_sha256": arrival.fingerprint}
    return stores.lake().write(table, whole, batch=arrival.batch, commit=commit)


def _materialized(
    key: dg.AssetKey, arrival: landing.Arrival, version: "TableVersion", schema: "pa.Schema"
) -> declaration.Materialized:
    return dg.MaterializeResult(
        asset_key=key,
        metadata={
            **presentation.table(version, schema),
            **presentation.numbers({"bytes": arrival.bytes, "columns": len(schema)}),
            "file": dg.MetadataValue.path(str(arrival.path)),
            "file_sha256": dg.MetadataValue.text(arrival.fingerprint),
        },
        data_version=dg.DataVersion(version.fingerprint),
    )


def _unread(key: dg.AssetKey, reason: str, others: Sequence[str]) -> declaration.Events:
    """Checks of a file that could not be read: `readable` stops the way, the others say that they were not judged."""
    yield _check(key, "readable", passed=False, said=reason)
    for name in others:
        yield _check(key, name, passed=False, said="not judged: the file could not be read", warns=True)


def _volume(context: dg.AssetExecutionContext, key: dg.AssetKey, rows: int) -> dg.AssetCheckResult:
    counts = _earlier(context, key)
    if len(counts) < ENOUGH:
        return _check(key, "volume", passed=True, said=f"{rows} rows; too few other batches: {len(counts)}")
    usual = statistics.median(counts)
    low, high = (share * usual for share in USUAL)
    said = f"{rows} rows; the median of {len(counts)} other batches is {usual:g}, usual is {low:g} to {high:g}"
    return _check(key, "volume", passed=low <= rows <= high, said=said, warns=True)


def _earlier(context: dg.AssetExecutionContext, key: dg.AssetKey) -> list[int]:
    """The rows of the newest materialization of each other recent batch."""
    counts: dict[str, int] = {}
    for record in context.instance.fetch_materializations(key, limit=RECENT).records:
        event = record.asset_materialization
        if event and event.partition and event.partition != context.partition_key:
            rows = event.metadata.get("dagster/row_count")
            if isinstance(rows, dg.IntMetadataValue) and rows.value is not None:
                counts.setdefault(event.partition, rows.value)
    return list(counts.values())


def _check(key: dg.AssetKey, name: str, *, passed: bool, said: str, warns: bool = False) -> dg.AssetCheckResult:
    severity = dg.AssetCheckSeverity.WARN if warns else dg.AssetCheckSeverity.ERROR
    return dg.AssetCheckResult(asset_key=key, check_name=name, passed=passed, severity=severity, description=said)
