"""The inferred contract as a file: written once beside the declaration, for a person to edit; no data changes it."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from mlops_assets.errors import ContractError
from mlops_assets.rooms.validate.contract import Contract
from mlops_assets.rooms.validate.infer import infer, seen
from mlops_assets.rooms.validate.judgement import Raw
from mlops_assets.rooms.validate.repairing import Repairs
from mlops_assets.settings import Settings
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan

HEAD = """\
# What {dataset} must be, inferred from its batch {batch} ({rows:,} rows). No later data changes this file.
# Edit it as you like: `mlops contract diff {dataset}` shows what that changes. A column may have checks, as pandera
# names them, and rules in SQL:
#   - {{name: x, type: DOUBLE, nullable: true, checks: {{in_range: {{min_value: 0, max_value: 9}}}}}}
#   - {{name: y, type: BIGINT, nullable: false, rules: [{{name: after_x, sql: y > x}}]}}
"""


def place_of(plan: DatasetPlan, home: Path) -> Path:
    """Where the file is: beside the YAML that declares the dataset; where that cannot be written, among the data."""
    name, declared = plan.dataset.name, plan.place.declared_at.partition(":")[0]
    beside = plan.place.folder / f"{name}.contract.yaml"
    if declared.endswith((".yaml", ".yml")) and (beside.exists() or os.access(plan.place.folder, os.W_OK)):
        return beside
    return Settings(home=home).data / "contracts" / f"{name}.contract.yaml"


def frozen(path: Path, raw: Raw, dataset: Dataset, batch: str, repairs: Repairs | None = None) -> Contract:
    """The contract in the file; where there is none, inferred from this batch and written there once.

    Args:
        path: the YAML file.
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
        rows, figures = seen(raw, contract, repairs)
        head = HEAD.format(dataset=dataset.name, batch=batch, rows=rows)
        _write_once(path, head + "\n".join(_lines(contract.to_dict(), figures)) + "\n")
    return read(path)


def read(path: Path) -> Contract:
    """The contract in a file.

    Raises:
        ContractError: it is none.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        return Contract.from_dict(content if isinstance(content, dict) else {})
    except (ContractError, yaml.YAMLError, ValueError) as error:
        raise ContractError.of(f"{path}: {error}", step="mend the file, or delete it") from error


def _lines(content: Mapping[str, Any], figures: Mapping[str, str]) -> Iterator[str]:
    """A line a column, each under what was seen of it."""
    yield "columns:"
    for column in content["columns"]:
        yield f"  # {figures[column['name']]}"
        yield f"  - {_flow(column)}"
    yield f"unique: {_flow(content['unique'])}"
    yield f"closed: {_flow(content['closed'])}  # true: a column that is not named stops the batch"


def _flow(value: object) -> str:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # libyaml's, where it is there: ten times as fast
    text: str = yaml.dump(
        value, None, dumper, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000
    )
    return text.removesuffix("...\n").strip()


def _write_once(path: Path, text: str) -> None:
    """Write the whole file, or leave the one that somebody else wrote first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    draft.write_text(text, encoding="utf-8")
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
