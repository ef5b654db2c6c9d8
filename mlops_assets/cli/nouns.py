"""Which datasets and models are declared, read from the loaded definitions."""

from dataclasses import dataclass

import dagster as dg

from mlops_assets.resources.declaration import RETRAIN, WAY


@dataclass(frozen=True)
class Nouns:
    """The declared names.

    Attributes:
        datasets: sorted.
        models: model to the dataset whose rows it predicts.
    """

    datasets: tuple[str, ...]
    models: dict[str, str]


def nouns(definitions: dg.Definitions) -> Nouns:
    """Read the names from the assets' keys and tags."""
    datasets, models = set(), {}
    for spec in definitions.resolve_all_asset_specs():
        noun, stage = spec.key.path[0], spec.key.path[-1]
        if stage == "raw":
            datasets.add(noun)
        if stage == "labels":
            models[noun] = spec.tags[WAY]
        if RETRAIN in spec.tags:
            models.setdefault(noun, "")
    return Nouns(tuple(sorted(datasets)), models)
