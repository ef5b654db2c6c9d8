"""A contract: what a batch's columns are and which rules each row meets; no pandera, no Dagster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from mlops_assets.errors import ContractError, UnknownName
from mlops_assets.rooms.validate.standard import CONDITIONS
from mlops_assets.stores import sql
from mlops_assets.stores.lake import reserved

TYPES: Final = (
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "VARCHAR",
    "DATE",
    "TIMESTAMPTZ",
)


class BatchBreach(ContractError):
    """A batch as a whole breaks its contract: no row of it can be judged.

    Attributes:
        reason: by which every row of the batch is quarantined, such as `batch:missing_column(x)`.
    """

    reason: str = "batch:breach"

    @classmethod
    def because(cls, reason: str, what: str, *, got: object = None, allowed: object = None, step: str = "") -> Self:
        """Build the message from its parts, and keep the reason.

        >>> BatchBreach.because("missing_column(x)", "no column x").reason
        'batch:missing_column(x)'
        """
        error = cls.of(what, got=got, allowed=allowed, step=step)
        error.reason = f"batch:{reason}"
        return error


@dataclass(frozen=True)
class Rule:
    """What each value of a column meets.

    Attributes:
        name: part of the reason of a row that doesn't, such as `in_range(1, 6000)`.
        sql: a condition over the column; null counts as met.
    """

    name: str
    sql: str


@dataclass(frozen=True)
class Column:
    """A column of a contract; `type` is one of `TYPES`, and a column that is not required is null where it lacks."""

    name: str
    type: str
    nullable: bool = True
    required: bool = True
    rules: tuple[Rule, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class CustomCheck:
    """A user's own Python check, run on pandas.

    Attributes:
        name: part of the reason of a row that doesn't meet it.
        column: whose values it gets as a Series; None: it gets a DataFrame of all columns.
        check: a pandera Check; it must answer with a bool a row.
        dtypes: of the columns, as pandas spells them; a column that is left out comes as it is.
        code: digest of the function behind it and of what that refers to, 12 hex digits; empty where there is none.
    """

    name: str
    column: str | None
    check: Any
    dtypes: Mapping[str, str] = field(default_factory=dict)
    code: str = ""


@dataclass(frozen=True)
class Contract:
    """Columns, rules and custom checks of a dataset.

    Attributes:
        columns: in the order of the clean table.
        custom: Python checks, run after the SQL pass.
        unique: groups of columns whose values may occur only once in a batch.
        closed: whether a column that the contract doesn't name stops the batch; otherwise it is left out.
    """

    columns: tuple[Column, ...]
    custom: tuple[CustomCheck, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    closed: bool = False

    def __post_init__(self) -> None:
        """Refuse what no table could hold."""
        seen: set[str] = set()
        for column in self.columns:
            name = column.name.lower()
            if name in seen or reserved(name):
                raise ContractError.of(f"column '{column.name}' of a contract is doubled or reserved")
            if column.type not in TYPES:
                raise ContractError.of(
                    f"column '{column.name}' has an unknown type", got=column.type, allowed=", ".join(TYPES)
                )
            seen.add(name)
        if not self.columns:
            raise ContractError.of("a contract needs a column")

    @property
    def names(self) -> list[str]:
        """The columns' names, in order."""
        return [column.name for column in self.columns]

    def to_dict(self) -> dict[str, Any]:
        """The contract as JSON can hold it.

        Raises:
            ContractError: it has Python checks, which JSON can't hold.
        """
        if self.custom:
            raise ContractError.of("a contract with Python checks can't be written as JSON")
        return {
            "columns": [_column(column) for column in self.columns],
            "unique": [list(group) for group in self.unique],
            "closed": self.closed,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote, or a person edited.

        Raises:
            ContractError: it isn't a contract.
        """
        try:
            columns = tuple(_read(found) for found in content["columns"])
            unique = tuple(tuple(group) for group in content.get("unique", ()))
            return cls(columns, unique=unique, closed=bool(content.get("closed", False)))
        except (KeyError, TypeError, AttributeError) as error:
            raise ContractError.of("not a contract", got=error, allowed="columns with name and type") from error


def _column(column: Column) -> dict[str, Any]:
    found: dict[str, Any] = {"name": column.name, "type": column.type, "nullable": column.nullable}
    if not column.required:
        found["required"] = False
    if column.rules:
        found["rules"] = [{"name": rule.name, "sql": rule.sql} for rule in column.rules]
    if column.description:
        found["description"] = column.description
    return found


def _read(found: Mapping[str, Any]) -> Column:
    """A column as a person may write it: its rules in SQL, and checks by pandera's names."""
    rest = {name: value for name, value in found.items() if name not in ("rules", "checks")}
    rules = [Rule(**rule) for rule in found.get("rules", ())]
    for name, arguments in found.get("checks", {}).items():
        if name not in CONDITIONS:
            raise UnknownName.among(f"check of column '{found['name']}'", name, CONDITIONS)
        shown = ", ".join(str(value) for value in arguments.values())
        rules.append(Rule(f"{name}({shown})", CONDITIONS[name](sql.identifier(str(found["name"])), arguments)))
    return Column(**{**rest, "rules": tuple(rules)})
