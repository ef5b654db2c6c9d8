"""`<dataset>/raw`: a landed file as it arrived, a partition a batch; what can't be read never becomes a batch."""

import statistics
from typing import TYPE_CHECKING

import dagster as dg

from mlops_assets import keys
from mlops_assets.errors import LandingError
from mlops_assets.resources import declaration, presentation
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.ingest import landing, readers
from mlops_assets.spec.plan import DatasetPlan

if TYPE_CHECKING:
    import pyarrow as pa

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
    )
    checks = [
        dg.AssetCheckSpec(
            "readable", asset=spec.key, blocking=True, description="The file is whole, and what its suffix says."
        ),
        dg.AssetCheckSpec("not_empty", asset=spec.key, blocking=True, description="The file has rows."),
        dg.AssetCheckSpec("volume", asset=spec.key, description="About as many rows as the batches before."),
    ]

    @dg.multi_asset(name=f"{dataset.name}_raw", specs=[spec], check_specs=checks)
    def raw(context: dg.AssetExecutionContext, stores: Stores) -> declaration.Events:
        try:
            arrival = landing.locate(dataset, stores.settings().home, context.partition_key)
            rows = readers.read(arrival.path)
        except LandingError as error:
            yield from _unread(spec.key, str(error))
            return
        yield _check(spec.key, "readable", passed=True, said=f"{arrival.path.name} was read")
        if rows.num_rows:
            yield _written(context, stores, arrival, rows)
        yield _check(
            spec.key, "not_empty", passed=rows.num_rows > 0, said=f"{arrival.path.name} has {rows.num_rows} rows"
        )
        yield _volume(context, spec.key, rows.num_rows)

    return [raw]


def _written(
    context: dg.AssetExecutionContext, stores: Stores, arrival: landing.Arrival, rows: "pa.Table"
) -> declaration.Materialized:
    dataset = context.asset_key.path[0]
    commit = {"run_id": context.run.run_id, "file": arrival.path.name, "file_sha256": arrival.fingerprint}
    version = stores.lake().write(keys.raw_table(dataset, arrival.batch), rows, batch=arrival.batch, commit=commit)
    return dg.MaterializeResult(
        asset_key=context.asset_key,
        metadata={
            **presentation.table(version, rows.schema),
            **presentation.numbers({"bytes": arrival.bytes, "columns": rows.num_columns}),
            "file": dg.MetadataValue.path(str(arrival.path)),
            "file_sha256": dg.MetadataValue.text(arrival.fingerprint),
        },
        data_version=dg.DataVersion(version.fingerprint),
    )


def _unread(key: dg.AssetKey, reason: str) -> declaration.Events:
    """Checks of a file that could not be read: `readable` stops the way, the others say that they were not judged."""
    yield _check(key, "readable", passed=False, said=reason)
    yield _check(key, "not_empty", passed=False, said="not judged: the file could not be read", warns=True)
    yield _check(key, "volume", passed=False, said="not judged: the file could not be read", warns=True)


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
