"""pandera as the language of a contract: a DataFrameModel or DataFrameSchema becomes a Contract."""

import re
from collections.abc import Mapping
from typing import Any, Final

from mlops_assets.errors import ContractError
from mlops_assets.rooms.validate.code import digest
from mlops_assets.rooms.validate.contract import Column, Contract, CustomCheck, Rule
from mlops_assets.rooms.validate.standard import CONDITIONS, runs
from mlops_assets.stores.sql import identifier

_REASON: Final = 60
_TYPES: Final = {
    "bool": "BOOLEAN",
    "boolean": "BOOLEAN",
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "uint8": "SMALLINT",
    "uint16": "INTEGER",
    "uint32": "BIGINT",
    "float16": "FLOAT",
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "str": "VARCHAR",
    "object": "VARCHAR",
    "category": "VARCHAR",
    "date": "DATE",
}
_UNSIGNED: Final = {"uint8": 2**8, "uint16": 2**16, "uint32": 2**32}


def from_pandera(model: Any) -> Contract:
    """Compile a pandera model or schema.

    Raises:
        ContractError: it isn't one for pandas, or asks for what can't be judged row by row.
    """
    import pandera.pandas as pa

    schema = model.to_schema() if isinstance(model, type) and issubclass(model, pa.DataFrameModel) else model
    if not isinstance(schema, pa.DataFrameSchema):
        raise ContractError.of(
            "not a contract", got=repr(model)[:200], allowed="a pandera.pandas DataFrameModel or DataFrameSchema"
        )
    _refuse_unsupported(schema)
    columns, custom = [], []
    for name, column in schema.columns.items():
        compiled, own = _column(str(name), column)
        columns.append(compiled)
        custom += own
    for position, check in enumerate(schema.checks):
        if check.name in CONDITIONS and check.statistics:
            raise ContractError.of(f"check {check.error} of the table", allowed="standard checks of columns only")
        dtypes = {str(name): str(column.dtype) for name, column in schema.columns.items()}
        custom.append(_custom(check, position, None, dtypes))
    return Contract(tuple(columns), tuple(custom), _unique(schema), closed=schema.strict is True)


def _refuse_unsupported(schema: Any) -> None:
    asked = {
        "an index": schema.index is not None,
        "ordered columns": schema.ordered,
        "parsers": schema.parsers or any(column.parsers for column in schema.columns.values()),
        "columns by regular expression": any(column.regex for column in schema.columns.values()),
        "default values": any(column.default is not None for column in schema.columns.values()),
        "one dtype for the whole table": schema.dtype is not None,
        "add_missing_columns": schema.add_missing_columns,
    }
    found = [what for what, wanted in asked.items() if wanted]
    if found:
        raise ContractError.of(
            "the contract asks for what can't be judged row by row",
            got=", ".join(found),
            allowed="columns with dtype, nullable, unique, required, checks; strict, unique, checks of the table",
        )


def _column(name: str, column: Any) -> tuple[Column, list[CustomCheck]]:
    dtype = str(column.dtype)
    rules, custom = [], []
    if dtype.lower() in _UNSIGNED:
        top = _UNSIGNED[dtype.lower()] - 1
        rules.append(Rule(f"in_range(0, {top})", f"{identifier(name)} between 0 and {top}"))
    for position, check in enumerate(column.checks):
        rule = _rule(name, _type(name, dtype), check)
        if rule:
            rules.append(rule)
        else:
            custom.append(_custom(check, position, name, {name: dtype}))
    described = column.description or column.title or ""
    compiled = Column(
        name, _type(name, dtype), bool(column.nullable), bool(column.required), tuple(rules), str(described)
    )
    return compiled, custom


def _type(name: str, dtype: str) -> str:
    if dtype.startswith("datetime64"):
        return "TIMESTAMPTZ"
    if dtype.startswith("string"):
        return "VARCHAR"
    found = _TYPES.get(dtype.lower())
    if found is None:
        allowed = ", ".join([*_TYPES, "string", "datetime64[ns]", "datetime64[ns, UTC]"])
        raise ContractError.of(f"column '{name}' of the contract has no usable dtype", got=dtype, allowed=allowed)
    return found


def _rule(name: str, kind: str, check: Any) -> Rule | None:
    """The check as SQL, or None where only Python can run it."""
    condition = CONDITIONS.get(check.name)
    if condition is None or not check.statistics:
        return None
    _row_wise(check, f"column '{name}'")
    sql = condition(identifier(name), check.statistics)
    if check.name in ("str_matches", "str_contains") and not runs(sql, identifier(name), kind):
        return None
    return Rule(_shortened(str(check.error)), sql if check.ignore_na else f"coalesce({sql}, false)")


def _row_wise(check: Any, where: str) -> Any:
    asked = {
        "groupby": check.groupby is not None,
        "raise_warning": check.raise_warning,
        "an aggregate": check.name == "unique_values_eq" and bool(check.statistics),
    }
    found = [what for what, wanted in asked.items() if wanted]
    if found:
        raise ContractError.of(
            f"check {check.name or check.error} of {where} can't be judged row by row",
            got=", ".join(found),
            allowed="a check that answers with a bool a row",
        )
    return check


def _custom(check: Any, position: int, column: str | None, dtypes: Mapping[str, str]) -> CustomCheck:
    checked = _row_wise(check, f"column '{column}'" if column is not None else "the table")
    does = digest(check._check_fn, check.statistics)  # noqa: SLF001 - pandera shows it nowhere else
    return CustomCheck(_custom_name(check, position), column, checked, dtypes, does)


def _custom_name(check: Any, position: int) -> str:
    name = str(check.name or "")
    usable = name if re.fullmatch(r"\w+", name) else ""
    return _shortened(f"{usable}" or str(check.error or f"check_{position + 1}"))


def _shortened(name: str) -> str:
    return name if len(name) <= _REASON else f"{name[: _REASON - 4]}...)"


def _unique(schema: Any) -> tuple[tuple[str, ...], ...]:
    groups: list[tuple[str, ...]] = [(str(name),) for name, column in schema.columns.items() if column.unique]
    if schema.unique:
        groups.append(tuple(str(name) for name in schema.unique))
    return tuple(groups)
