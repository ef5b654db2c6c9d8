"""What the page on data shows is taken by the specs, and what it says of commands is so."""

import re
from pathlib import Path

import yaml

from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.source import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text()


def test_every_declaration_of_the_page_is_taken_and_every_source_is_shown() -> None:
    shown = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)]
    datasets = [Dataset.model_validate({"name": "x", "source": {"files": "x"}, **each}) for each in shown]
    assert {dataset.source.kind for dataset in datasets} == set(KINDS)
    assert any(dataset.retention.versions for dataset in datasets)
