"""Casting without loss: a value that the type can't hold exactly becomes null, never something near it."""

from typing import Final

INTEGERS: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
FLOATS: Final = ("FLOAT", "DOUBLE")
INFINITE: Final = (*FLOATS, "DATE", "TIMESTAMPTZ")
"""Types that can hold infinity, which no clean table does."""


def present(column: str, kind: str, target: str) -> str:
    """The value as it arrived, null where it stands for nothing: NaN, or the text of it where a number is wanted.

    Args:
        column: SQL of the raw column.
        kind: its DuckDB type.
        target: the type that the contract wants.
    """
    if kind in FLOATS:
        return f"case when not isnan({column}) then {column} end"
    if kind == "VARCHAR" and target in FLOATS:
        lettered = f"(contains({column}, 'n') or contains({column}, 'N'))"  # sooner asked than what is trimmed
        return f"case when not ({lettered} and lower(trim({column})) in ('nan', '+nan', '-nan')) then {column} end"
    return column


def cast(value: str, kind: str, target: str) -> str:
    """SQL of the value in the contract's type, null where it can't be cast without loss.

    >>> cast('"x"', "DOUBLE", "BIGINT")
    'case when "x" = trunc("x") then try_cast("x" as BIGINT) end'
    >>> cast('"x"', "DATE", "BIGINT")
    'cast(null as BIGINT)'
    """
    if target in ("VARCHAR", kind):
        return f"cast({value} as {target})"
    if kind == "VARCHAR":
        return _from_text(value, target)
    if kind in (*INTEGERS, *FLOATS, "BOOLEAN", "HUGEINT") or kind.startswith(("DECIMAL", "U")):
        return _from_number(value, kind, target)
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return _from_time(value, target)
    return f"cast(null as {target})"


def _from_number(value: str, kind: str, target: str) -> str:
    if target in INTEGERS and (kind in FLOATS or kind.startswith("DECIMAL")):
        return f"case when {value} = trunc({value}) then try_cast({value} as {target}) end"
    if target in (*INTEGERS, *FLOATS):
        return f"try_cast({value} as {target})"
    return f"case when {value} in (0, 1) then {value} = 1 end" if target == "BOOLEAN" else f"cast(null as {target})"


def _from_time(value: str, target: str) -> str:
    if target == "DATE":
        return f"case when {value} = date_trunc('day', {value}) then try_cast({value} as DATE) end"
    return f"try_cast({value} as TIMESTAMPTZ)" if target == "TIMESTAMPTZ" else f"cast(null as {target})"


def _from_text(value: str, target: str) -> str:
    if target in INTEGERS:
        number, digits = (f"try_cast({text} as {target})" for text in (value, f"split_part({value}, '.', 1)"))
        plain = f"cast({number} as VARCHAR) = {value}"  # as the type itself writes it: sooner asked than a pattern
        whole = rf"regexp_full_match({value}, '\s*[+-]?[0-9]+(\.0*)?\s*')"
        return f"case when {plain} then {number} when {whole} then {digits} end"
    if target in FLOATS:
        return f"case when not contains({value}, '_') then try_cast({value} as {target}) end"
    if target == "DATE":
        moment = f"try_cast({value} as TIMESTAMP)"
        return f"case when {moment} = date_trunc('day', {moment}) then cast({moment} as DATE) end"
    return f"try_cast({value} as {target})"
