"""A platform on which a team declares datasets, feature tables and models, and Dagster runs all that follows.

The house: `spec` says what may be declared, `components` turns declarations into Dagster definitions by asking the
`rooms`, `stores` keep what the rooms make, and `resources` hand them to Dagster.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlops_assets.components.dataset import Dataset as Dataset
    from mlops_assets.components.feature_table import FeatureTable as FeatureTable
    from mlops_assets.components.from_python import build as build
    from mlops_assets.components.model import Model as Model
    from mlops_assets.notebook import read as read

_HOMES = {
    "Dataset": "mlops_assets.components.dataset",
    "FeatureTable": "mlops_assets.components.feature_table",
    "Model": "mlops_assets.components.model",
    "build": "mlops_assets.components.from_python",
    "read": "mlops_assets.notebook",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(_HOMES)}")
    try:
        home = import_module(_HOMES[name])
    except AttributeError as error:  # would read as if there were no such name
        raise ImportError(f"{_HOMES[name]} cannot be imported: {error}") from error
    return getattr(home, name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted(_HOMES)
