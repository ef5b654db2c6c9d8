"""A contract inferred from the first batch, written for a person to edit, and frozen: later data never changes it."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from mlops_assets.errors import ContractError
from mlops_assets.rooms.validate.casting import FLOATS, INTEGERS, cast, present
from mlops_assets.rooms.validate.contract import BatchBreach, Column, Contract
from mlops_assets.rooms.validate.judgement import register
from mlops_assets.rooms.validate.repairing import Repairs, apply, kinds
from mlops_assets.spec.dataset import Dataset
from mlops_assets.stores import sql

if TYPE_CHECKING:
    import pyarrow as pa

_FORMS: Final = {
    "BIGINT": r"\s*[+-]?(0|[1-9][0-9]*)\s*",
    "DOUBLE": r"(?i)\s*[+-]?(nan|inf|infinity|((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?)\s*",
    "BOOLEAN": r"(?i)true|false",
    "DATE": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "TIMESTAMPTZ": r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}.*)?",
}
"""How a text must look to be taken for a type, the narrowest type first; 007 is no number."""


def frozen(path: Path, raw: "pa.Table", dataset: Dataset, batch: str, repairs: Repairs | None = None) -> Contract:
    """The contract in the file; where there is none, inferred from this batch and written there once.

    Args:
        path: the JSON file.
        raw: the batch, as it arrived.
        dataset: for key and event time.
        batch: its name.
        repairs: what is done to the batch before.

    Raises:
        BatchBreach: there is no contract yet, and the batch lacks the dataset's key or event time.
        ContractError: the file is no contract.
    """
    if not path.exists():
        contract = infer(raw, dataset, repairs)
        _write_once(path, {"dataset": dataset.name, "inferred_from": batch, **contract.to_dict()})
    try:
        return Contract.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (ContractError, ValueError) as error:
        raise ContractError.of(f"{path}: {error}", step="mend the file, or delete it") from error


def infer(raw: "pa.Table", dataset: Dataset, repairs: Repairs | None = None) -> Contract:
    """The types that hold every value of a batch once it is repaired; only key and event time are demanded of a row.

    Raises:
        BatchBreach: the batch has no rows, or lacks the dataset's key or event time.
    """
    own = [*dataset.key, *([dataset.event_time] if dataset.event_time else [])]
    with sql.connect() as connection:
        register(connection, raw)
        apply(connection, repairs or Repairs())
        found = kinds(connection, "repaired")
        _require(own, list(found), raw.num_rows, dataset.name)
        texts = [name for name, kind in found.items() if kind == "VARCHAR"]
        fits = [_fits(sql.identifier(name), kind) for name in texts for kind in _FORMS]
        answers = iter(connection.execute(f"select {', '.join(fits)} from repaired").fetchall()[0] if fits else ())
        possible = {name: [kind for kind in _FORMS if next(answers)] for name in texts}
    columns = []
    for name, kind in found.items():
        type_ = next(iter(possible[name]), "VARCHAR") if kind == "VARCHAR" else _wide(kind)
        type_ = "TIMESTAMPTZ" if name == dataset.event_time else type_
        columns.append(Column(name, type_, nullable=name not in own))
    return Contract(tuple(columns))


def _require(own: list[str], names: list[str], rows: int, dataset: str) -> None:
    missing = [name for name in own if name not in names]
    if missing or not rows:
        raise BatchBreach.because(
            f"missing_column({', '.join(missing)})" if missing else "no_rows",
            f"no contract of dataset '{dataset}' can be inferred: no {', '.join(missing) or 'rows'}",
            got=", ".join(names),
            allowed="a first batch with key and event time",
            step="land a whole batch first, or declare a contract",
        )


def _fits(column: str, target: str) -> str:
    """SQL: whether there are values, and all look like the type and can be cast to it."""
    value = present(column, "VARCHAR", target)
    looks = f"regexp_full_match({column}, {sql.literal(_FORMS[target])})"
    fits = f"{looks} and {cast(value, 'VARCHAR', target)} is not null"
    return f"count({value}) > 0 and bool_and({value} is null or coalesce({fits}, false))"


def _wide(kind: str) -> str:
    if kind in INTEGERS:
        return "BIGINT"
    if kind in FLOATS or kind.startswith("DECIMAL"):
        return "DOUBLE"
    if kind.startswith("TIMESTAMP"):
        return "TIMESTAMPTZ"
    return kind if kind in ("BOOLEAN", "DATE") else "VARCHAR"


def _write_once(path: Path, content: dict[str, object]) -> None:
    """Write the whole file, or leave the one that somebody else wrote first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
