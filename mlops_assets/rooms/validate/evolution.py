"""How a contract changes: as a diff, refused where it breaks a table that a living model reads, unless versioned."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mlops_assets.errors import ContractError
from mlops_assets.rooms.validate.contract import Contract, Rule
from mlops_assets.rooms.validate.readers import living
from mlops_assets.rooms.validate.standard import CONDITIONS
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan

if TYPE_CHECKING:
    from mlops_assets.stores.lineage import Lineage

KIND = "contract"
SHORT = 60
"""Characters of a rule's SQL that are shown; a longer one is told by its digest."""
Described = Mapping[str, Any]


class ContractChanged(ContractError):
    """A contract was changed so that it would break what a living model reads; nothing is judged by it."""


@dataclass(frozen=True)
class Change:
    """One thing of a contract that is no longer as it was.

    Attributes:
        column: its name; empty: the contract as a whole.
        what: of it, such as `type` or `dropped`.
        before: as text.
        now: as text.
        breaks: the living models that read what changed.
    """

    column: str
    what: str
    before: str
    now: str
    breaks: tuple[str, ...] = ()


@dataclass(frozen=True)
class InForce:
    """The contract by which a dataset's rows are judged.

    Attributes:
        version: as declared.
        digest: SHA-256 of its description.
        contract: its description.
    """

    version: int
    digest: str
    contract: Described

    @property
    def commit(self) -> dict[str, str]:
        """What the commit of each version that was judged by it carries."""
        return {"contract": self.digest[:16], "contract_version": str(self.version)}


def described(contract: Contract, dataset: Dataset) -> Described:
    """All of a contract that a diff can show, as JSON holds it."""
    columns = {
        column.name: {
            "type": column.type,
            "nullable": column.nullable and column.name not in (*dataset.key, dataset.event_time),
            "required": column.required,
            "rules": sorted(map(_ruled, column.rules)),
        }
        for column in contract.columns
    }
    checks = sorted(f"{check.column or 'row'}:{check.name} [{check.code}]" for check in contract.custom)
    whole = {"key": list(dataset.key), "event_time": dataset.event_time, "closed": contract.closed, "checks": checks}
    return {"columns": columns, **whole, "unique": sorted(list(group) for group in contract.unique)}


def _ruled(rule: Rule) -> str:
    """A rule by its name, where that says all; else with what it demands."""
    if rule.name.partition("(")[0] in CONDITIONS and not rule.name.endswith("...)"):
        return rule.name
    short = len(rule.sql) <= SHORT
    return (
        f"{rule.name}: {rule.sql}" if short else f"{rule.name} [{hashlib.sha256(rule.sql.encode()).hexdigest()[:12]}]"
    )


def in_force(lineage: "Lineage", dataset: str) -> InForce | None:
    """The contract that was adopted last; None before the first batch."""
    record = lineage.latest(KIND, dataset)
    return InForce(record.body["version"], record.body["digest"], record.body["contract"]) if record else None


def changes(lineage: "Lineage", plan: DatasetPlan, contract: Contract) -> list[Change]:
    """What a contract would change of the one in force."""
    held = in_force(lineage, plan.dataset.name)
    if held is None:
        return []
    now = described(contract, plan.dataset)
    names = sorted({*held.contract["columns"], *now["columns"]})
    return list(between(held.contract, now, living(plan, lineage, names)))


def proposed(lineage: "Lineage", plan: DatasetPlan, contract: Contract) -> tuple[InForce, list[Change]]:
    """A contract as it would be in force, and what it would change.

    Raises:
        ContractChanged: it would break a living model's table, and its version was not raised; or it was lowered.
    """
    dataset, held = plan.dataset, in_force(lineage, plan.dataset.name)
    now = described(contract, dataset)
    found = InForce(dataset.contract_version, _digest(now), now)
    if held is None or held == found:
        return found, []
    changed = changes(lineage, plan, contract)
    _allow(dataset, held, changed)
    return found, changed


def adopt(lineage: "Lineage", dataset: str, contract: InForce, changed: Sequence[Change]) -> None:
    """Record a contract as the one in force, unless it is already."""
    before = lineage.latest(KIND, dataset)
    if before and (before.body["version"], before.body["digest"]) == (contract.version, contract.digest):
        return
    body = {**asdict(contract), "changes": [asdict(change) for change in changed]}
    once = f"{KIND}:{dataset}:{before.sequence if before else 0}:{contract.version}:{contract.digest}"
    lineage.append(KIND, dataset, body, once=once)


def between(before: Described, now: Described, readers: Mapping[str, set[str]]) -> Iterator[Change]:
    """Every change, column by column.

    Args:
        before: the contract in force.
        now: the one that is declared.
        readers: living model to the columns that it reads.

    >>> one = {"type": "BIGINT", "nullable": False, "required": True, "rules": []}
    >>> [(c.column, c.what, c.breaks) for c in between({"columns": {"x": one}}, {"columns": {}}, {"late": {"x"}})]
    [('x', 'dropped', ('late',))]
    """
    for column in dict.fromkeys((*before["columns"], *now["columns"])):
        was, new = before["columns"].get(column), now["columns"].get(column)
        affected = tuple(sorted(model for model, read in readers.items() if column in read))
        if new is None:
            yield Change(column, "dropped", was["type"], "", affected)
        elif was is None:
            yield Change(column, "added", "", new["type"])
        else:
            yield from _column(column, was, new, affected)
    for what in ("key", "event_time", "unique", "closed", "checks"):
        if before.get(what) != now.get(what):
            broken = tuple(sorted(readers)) if what in ("key", "event_time") else ()
            yield Change("", what, _text(before.get(what)), _text(now.get(what)), broken)


def _column(column: str, was: Described, new: Described, affected: tuple[str, ...]) -> Iterator[Change]:
    """A looser promise breaks who relies on it; a stricter one only quarantines more, and a range is no shape."""
    if was["type"] != new["type"]:
        yield Change(column, "type", was["type"], new["type"], affected)
    for what, loose in (("nullable", True), ("required", False)):
        if was[what] != new[what]:
            yield Change(column, what, _text(was[what]), _text(new[what]), affected if new[what] is loose else ())
    if was["rules"] != new["rules"]:
        yield Change(column, "rules", _text(was["rules"]), _text(new["rules"]))


def _allow(dataset: Dataset, held: InForce, changed: list[Change]) -> None:
    breaking = [change for change in changed if change.breaks]
    if dataset.contract_version < held.version:
        raise ContractChanged.of(
            f"the contract of {dataset.name} has a lower version than the one in force",
            got=dataset.contract_version,
            allowed=f"{held.version} or higher",
            step=f"set contract_version: {held.version}",
        )
    if breaking and dataset.contract_version == held.version:
        told = "; ".join(f"{c.column or 'the table'}: {c.what} {c.before} -> {c.now or 'gone'}" for c in breaking)
        models = ", ".join(sorted({model for change in breaking for model in change.breaks}))
        raise ContractChanged.of(
            f"the contract of {dataset.name} was changed so that it would break what a living model reads ({models})",
            got=told,
            allowed="a change that the models do not read, or a new version",
            step=f"take it back, or set contract_version: {held.version + 1}, then retrain; nothing was judged",
        )


def _digest(content: Described) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _text(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    return ", ".join("+".join(each) if isinstance(each, list) else str(each) for each in value) or "none"
