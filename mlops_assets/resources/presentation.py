"""What the UI shows of an asset: schema, row counts, numbers that plot, a small picture, a link to the whole report."""

import json
from base64 import b64encode
from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.stores.lake import TableVersion
    from mlops_assets.stores.reports import Report

PICTURE_BYTES = 60_000
Metadata = dict[str, dg.MetadataValue]


def schema(data: "pa.Schema") -> dg.MetadataValue:
    """An Arrow schema as Dagster's column table."""
    return dg.MetadataValue.table_schema(
        dg.TableSchema([dg.TableColumn(field.name, str(field.type)) for field in data])
    )


def table(version: "TableVersion", data: "pa.Schema") -> Metadata:
    """Of a table's batch: schema, rows, version and fingerprint."""
    return {
        "dagster/column_schema": schema(data),
        "dagster/row_count": dg.MetadataValue.int(version.rows),
        "table": dg.MetadataValue.text(version.table),
        "table_version": dg.MetadataValue.int(version.number),
        "fingerprint": dg.MetadataValue.text(version.fingerprint),
        "changed": dg.MetadataValue.bool(version.changed),
    }


def numbers(figures: Mapping[str, float | int | bool | None]) -> Metadata:
    """Figures that Dagster plots over time; what is None or NaN is left out, as it cannot be plotted."""
    shown: Metadata = {}
    for name, value in figures.items():
        if value is None or value != value:  # noqa: PLR0124 - NaN is the one value that differs from itself
            continue
        if isinstance(value, bool):
            shown[name] = dg.MetadataValue.bool(value)
        elif isinstance(value, int):
            shown[name] = dg.MetadataValue.int(value)
        else:
            shown[name] = dg.MetadataValue.float(float(value))
    return shown


def picture(png: bytes, caption: str) -> dg.MetadataValue:
    """A small PNG inline, as Markdown.

    Raises:
        ValueError: the picture is larger than an event may be.
    """
    if len(png) > PICTURE_BYTES:
        raise ValueError(f"picture of {len(png)} bytes; allowed: {PICTURE_BYTES}; draw it smaller")
    return dg.MetadataValue.md(f"![{caption}](data:image/png;base64,{b64encode(png).decode()})")


def report(saved: "Report") -> Metadata:
    """A link that opens the whole report in the browser, and the file behind it."""
    return {"report": dg.MetadataValue.url(saved.url), "report_file": dg.MetadataValue.path(str(saved.path))}


def plain(value: object) -> str:
    """JSON in which what is no number, such as NaN, is null.

    >>> plain([{"figure": float("nan"), "n": 3}])
    '[{"figure": null, "n": 3}]'
    """
    return json.dumps(_finite(value))


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def mlflow_run(base: str, experiment: str, run_id: str) -> Metadata:
    """A link that opens a run in MLflow's UI, and its id."""
    shown: Metadata = {"mlflow_run": dg.MetadataValue.text(run_id)}
    return {**shown, "mlflow": dg.MetadataValue.url(f"{base}/#/experiments/{experiment}/runs/{run_id}")}
