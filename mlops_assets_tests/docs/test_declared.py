"""What the pages on watching and retraining show is taken by the model's spec."""

import re
from pathlib import Path

import pytest
import yaml

from mlops_assets.spec.model import Model

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("page", "shown"), [("monitoring", {"monitor"}), ("retraining", {"retrain", "expiry"})])
def test_every_declaration_of_the_page_is_taken(page: str, shown: set[str]) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (DOCS / f"{page}.md").read_text(), flags=re.DOTALL)
    declared = [yaml.safe_load(block) for block in blocks]
    assert {key for block in declared for key in block} >= shown
    for block in declared:
        if "notify" in block.get("retrain", {}):
            # Its own is a template, which Dagster fills in.
            block["retrain"]["notify"]["webhook"] = "https://hooks.example.org/x"
        Model.model_validate({"name": "late", "target": {"column": "late"}, "features": ["context"], **block})
