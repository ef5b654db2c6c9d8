"""The repairs that may be declared, by name: each says what becomes of which column, as SQL."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mlops_assets.errors import ContractError
from mlops_assets.rooms.validate.casting import FLOATS, cast, present
from mlops_assets.rooms.validate.standard import literal
from mlops_assets.spec import repair as spec
from mlops_assets.stores import sql
from mlops_assets.stores.lake import RESERVED

_SPACE: Final = "chr(32) || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(160)"
_TYPES: Final = {"integer": "BIGINT", "number": "DOUBLE", "date": "DATE", "timestamp": "TIMESTAMPTZ"}
_OFFSET: Final = r"'([zZ]|[+-]\d\d(:?\d\d)?)\s*$'"
_EPOCHS: Final = {"epoch_s": 1.0, "epoch_ms": 1000.0}


@dataclass(frozen=True)
class Rewrite:
    """What becomes of one column.

    Attributes:
        column: its name before.
        value: SQL of its values after, over the columns before and those of `join`.
        name: its name after; the same unless it is renamed.
        join: SQL of what stands beside the rows, such as a table in which values are looked up.
    """

    column: str
    value: str
    name: str
    join: str = ""


@dataclass(frozen=True)
class Arrived:
    """The rows as they are before a repair.

    Attributes:
        kinds: column to DuckDB type.
        references: dataset to its clean table, as SQL.
    """

    kinds: Mapping[str, str]
    references: Mapping[str, str]

    def found(self, names: Sequence[str]) -> list[str]:
        """Those of the columns that the batch has, spelled as it spells them; what lacks is the contract's to judge."""
        spelled = {name.casefold(): name for name in self.kinds}
        return [spelled[name.casefold()] for name in names if name.casefold() in spelled]


Repair = Callable[[Any, Arrived], Iterator[Rewrite]]


def rename(repair: spec.Rename, arrived: Arrived) -> Iterator[Rewrite]:
    """A column that came under another name, or in other letters; one that has its name already stays."""
    for old, new in repair.columns.items():
        came = arrived.found([old])
        if new in arrived.kinds or arrived.found([new]) not in ([], came):
            continue
        for name in came:
            yield Rewrite(name, sql.identifier(name), new)


def trim(repair: spec.Trim, arrived: Arrived) -> Iterator[Rewrite]:
    """White space around texts."""
    wanted = arrived.found(repair.columns) if repair.columns else list(arrived.kinds)
    for name in wanted:
        if arrived.kinds[name] == "VARCHAR":
            text = f"trim({sql.identifier(name)}, {_SPACE})"
            yield Rewrite(name, f"nullif({text}, '')" if repair.empty == "null" else text, name)


def cast_text(repair: spec.Cast, arrived: Arrived) -> Iterator[Rewrite]:
    """A text in the form that the contract reads; what cannot be read stays, and the contract says `type`."""
    for name in arrived.found([repair.column]):
        text = f"cast({sql.identifier(name)} as varchar)"
        yield Rewrite(name, _when(repair.when, f"coalesce({_readable(repair, text)}, {text})", text), name)


def unit(repair: spec.Unit, arrived: Arrived) -> Iterator[Rewrite]:
    """A number in another unit."""
    for name in arrived.found([repair.column]):
        column, kind = sql.identifier(name), arrived.kinds[name]
        given = cast(present(column, kind, "DOUBLE"), kind, "DOUBLE")
        number = f"{given} * {literal(float(repair.factor))} + {literal(float(repair.offset))}"
        if repair.digits is not None:
            number = f"round({number}, {repair.digits})"
        if kind == "VARCHAR":
            yield Rewrite(name, _when(repair.when, f"coalesce(cast({number} as varchar), {column})", column), name)
        else:
            yield Rewrite(name, _when(repair.when, number, f"cast({column} as double)"), name)


def fill(repair: spec.Fill, arrived: Arrived) -> Iterator[Rewrite]:
    """A missing value gets a constant, or what another dataset says."""
    for name in arrived.found([repair.column]):
        column, kind = sql.identifier(name), arrived.kinds[name]
        held = f"case when not isnan({column}) then {column} end" if kind in FLOATS else column
        value, join = (literal(repair.value), "") if repair.reference is None else _looked_up(repair.reference, arrived)
        if kind == "VARCHAR":
            value = f"cast({value} as varchar)"
        yield Rewrite(name, _when(repair.when, f"coalesce({held}, {value})", column), name, join)


REPAIRS: Final[dict[str, Repair]] = {"rename": rename, "trim": trim, "cast": cast_text, "unit": unit, "fill": fill}
"""Kind to what it does to columns; a new repair is a new line. `merge` works on rows: see `doubles`."""


def mend(rows: Mapping[int, Mapping[str, str | None]], row: str, arrived: Arrived) -> Iterator[Rewrite]:
    """Values that a person gave for single rows; a value that does not fit the type in which its column came is null.

    Args:
        rows: row number to column to its text; None: null.
        row: the column of row numbers.
        arrived: the rows before.
    """
    for name in arrived.found(list(dict.fromkeys(column for values in rows.values() for column in values))):
        kind = arrived.kinds[name]
        cases = []
        for number, values in rows.items():
            if name in values:
                text = values[name]
                value = "null" if text is None else cast(sql.literal(text), "VARCHAR", kind)
                cases.append(f"when {number} then {value}")
        yield Rewrite(name, f"case {row} {' '.join(cases)} else {sql.identifier(name)} end", name)


def _readable(repair: spec.Cast, text: str) -> str:
    """SQL of the text in the contract's own form, null where it cannot be read."""
    if repair.to == "boolean":
        lists = [", ".join(sql.literal(word.lower()) for word in words) for words in (repair.truthy, repair.falsy)]
        word = f"lower(trim({text}, {_SPACE}))"
        return f"case when {word} in ({lists[0]}) then 'true' when {word} in ({lists[1]}) then 'false' end"
    if repair.to in ("date", "timestamp"):
        moment = _moment(repair, text)
        return f"cast({moment if repair.to == 'timestamp' else f'cast({moment} as date)'} as varchar)"
    digits = f"replace({text}, {sql.literal(repair.thousands)}, '')" if repair.thousands else text
    digits = f"replace({digits}, ',', '.')" if repair.decimal == "," else digits
    return f"cast({cast(digits, 'VARCHAR', _TYPES[repair.to])} as varchar)"


def _moment(repair: spec.Cast, text: str) -> str:
    """SQL of a time as TIMESTAMPTZ, or of a date as a clock without a zone."""
    form, zone = repair.format, sql.literal(repair.timezone)
    if form in _EPOCHS:
        return f"to_timestamp(try_cast({text} as double) / {_EPOCHS[form]})"
    read = f"try_strptime({text}, {sql.literal(form)})" if form else f"try_cast({text} as timestamp)"
    if repair.to == "date":
        return read
    if form and "%z" in form.lower():
        return f"cast({read} as timestamptz)"
    local = f"timezone({zone}, cast({read} as timestamp))"
    return (
        local
        if form
        else f"case when regexp_matches({text}, {_OFFSET}) then try_cast({text} as timestamptz) else {local} end"
    )


def _looked_up(reference: spec.Lookup, arrived: Arrived) -> tuple[str, str]:
    """SQL of the value, and the join that brings it; no value where rows of the reference differ."""
    if reference.dataset not in arrived.references:
        raise ContractError.of(
            f"dataset '{reference.dataset}' has no clean table yet, in which a repair looks up '{reference.column}'",
            step=f"land {reference.dataset} first",
        )
    theirs = ", ".join(
        f"cast({sql.identifier(c)} as varchar) as {_key(n)}" for n, c in enumerate(reference.by.values())
    )
    same = " and ".join(
        f"cast(arrived.{sql.identifier(name)} as varchar) = {_key(n)}"
        for n, ours in enumerate(reference.by)
        for name in arrived.found([ours])
    )
    value = sql.identifier(reference.column)
    rows = f"select {theirs}, min({value}) as {RESERVED}value from {arrived.references[reference.dataset]}"
    joined = f"left join ({rows} group by all having count(distinct {value}) = 1) on {same or 'false'}"
    return f"{RESERVED}value", joined


def _key(place: int) -> str:
    return f"{RESERVED}key_{place}"


def _when(condition: str | None, value: str, otherwise: str) -> str:
    return f"case when ({condition}\n) then {value} else {otherwise} end" if condition else value
