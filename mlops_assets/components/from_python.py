"""The same specs from Python: no YAML, no defs folder."""

import inspect
from pathlib import Path
from typing import Any

import dagster as dg

from mlops_assets.components.dataset import Dataset
from mlops_assets.components.feature_table import FeatureTable
from mlops_assets.components.house import House
from mlops_assets.components.loading import hush
from mlops_assets.components.model import Model
from mlops_assets.components.noun import Noun
from mlops_assets.components.origin import Origin, shown
from mlops_assets.spec.base import Spec

Declared = Spec | Noun[Any]
_KINDS: dict[type[Spec], type[Noun[Any]]] = {kind.spec_type: kind for kind in (Dataset, FeatureTable, Model)}


def build(*specs: Declared, folder: Path | None = None) -> dg.Definitions:
    """Everything that follows from specs, or from components that hold them.

    Args:
        specs: datasets, feature tables and models; each may name the others.
        folder: where the modules that they refer to lie; default: the folder of the caller.

    Raises:
        SpecError: a spec names something that is not there.
    """
    hush()
    caller = inspect.stack()[1]
    module = inspect.getmodule(caller.frame)
    origin = Origin(
        folder or Path(caller.filename).parent,
        (module.__package__ or "") if module and folder is None else "",
        line=f"{shown(Path(caller.filename))}:{caller.lineno}",
    )
    nouns = [each if isinstance(each, Noun) else _KINDS[type(each)](each) for each in specs]
    house = House.of((noun.spec, noun.origin or origin) for noun in nouns)
    return dg.Definitions.merge(*(noun.definitions(house) for noun in nouns))
