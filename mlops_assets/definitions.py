"""The front door: loads what is declared in defs/, and binds resources and executor."""

from pathlib import Path

import dagster as dg


@dg.definitions
def definitions() -> dg.Definitions:
    """All that the platform knows of its nouns."""
    from mlops_assets.components.loading import load
    from mlops_assets.resources.stores import Stores

    declared = load(Path(__file__).parent / "defs")
    return dg.Definitions.merge(
        declared,
        dg.Definitions(resources={"stores": Stores()}, executor=dg.in_process_executor),
    )
