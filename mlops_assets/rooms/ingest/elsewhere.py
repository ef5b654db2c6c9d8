"""A Delta table, a REST endpoint, or whatever a function of the user's own gives: read in chunks."""

import inspect
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from mlops_assets.errors import LandingError
from mlops_assets.rooms.ingest import rows
from mlops_assets.spec.place import Place
from mlops_assets.spec.source import Source

if TYPE_CHECKING:
    import pyarrow as pa

QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false", "DO_NOT_TRACK": "1"}
"""dlt reports its use to its makers unless it is told not to."""


def from_delta(source: Source, home: Path, since: Any, what: str) -> "Iterator[pa.Table]":
    """The newest version of a Delta table, from a cursor on.

    Raises:
        LandingError: there is none, or it cannot be read.
    """
    import pyarrow as pa
    import pyarrow.dataset as ds
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    folder = home / (source.delta or "")
    try:
        if not DeltaTable.is_deltatable(str(folder)):
            raise LandingError.of(f"{what}: no Delta table", got=folder, step="write it, or name its folder")
        field = ds.field(source.cursor) if source.cursor else None
        later = None if field is None or since is None else (field >= pa.scalar(since)) | field.is_null()
        for batch in DeltaTable(folder).to_pyarrow_dataset().to_batches(filter=later):
            if batch.num_rows:
                yield pa.Table.from_batches([batch])
    except (DeltaError, pa.ArrowException, OSError) as error:
        raise LandingError.of(f"{what}: the Delta table {folder} cannot be read: {error}") from error


def from_rest(source: Source, since: Any, what: str) -> "Iterator[pa.Table]":
    """Every page of a REST endpoint; how it pages is found by dlt.

    Raises:
        LandingError: it does not answer, or not with rows.
    """
    client_of = _dlt("dlt.sources.helpers.rest_client", what).RESTClient
    address = urlsplit(source.rest or "")
    headers = {"Authorization": f"Bearer {source.token.get_secret_value()}"} if source.token else {}
    client = client_of(urlunsplit((address.scheme, address.netloc, "", "", "")), headers=headers)
    parameters = dict(parse_qsl(address.query))
    if source.since and since is not None:
        parameters[source.since] = since.isoformat() if hasattr(since, "isoformat") else str(since)
    try:
        pages = client.paginate(address.path, params=parameters, data_selector=source.items)
        yield from rows.tables((list(page) for page in pages), what)
    except LandingError:
        raise
    except Exception as error:  # noqa: BLE001 - requests, dlt and JSON fail in many ways; each is the endpoint's
        said = str(error).replace(source.token.get_secret_value(), "***") if source.token else str(error)
        raise LandingError.of(f"{what}: {address.hostname} cannot be read: {said[:300]}") from None


def from_function(source: Source, place: Place, since: Any, what: str) -> "Iterator[pa.Table]":
    """What the user's own function gives: a dlt resource or source, or any rows.

    Raises:
        LandingError: it fails, or does not give rows.
        SpecError: there is no such function.
    """
    os.environ.update(QUIET)
    made = place.load(source.dlt or "")
    wants = callable(made) and "since" in inspect.signature(made).parameters
    try:
        found = made(since=since) if wants else made() if callable(made) else made
        yield from rows.tables(found, what)
    except LandingError:
        raise
    except Exception as error:
        raise LandingError.of(f"{what}: {source.dlt} failed: {error!r}") from error


def _dlt(module: str, what: str) -> Any:
    """A module of dlt, which never reports to anybody.

    Raises:
        LandingError: the extra is not installed.
    """
    os.environ.update(QUIET)
    try:
        from importlib import import_module

        return import_module(module)
    except ImportError as error:
        raise LandingError.of(
            f"{what}: a REST source needs dlt", got=error, step="pip install 'mlops_assets[rest]'"
        ) from error
