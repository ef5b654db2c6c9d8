"""The model's own lock: what must be installed to serve it, and nothing else."""

from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Final

from mlops_assets.stores import bundle as bytes_of
from mlops_assets.stores import distributions
from mlops_assets.stores.distributions import normalized

if TYPE_CHECKING:
    from mlops_assets.stores.distributions import Lock

SERVICE: Final = (
    *("msgspec", "prometheus-client", "pydantic", "uvicorn", "uvloop", "httptools"),
    *("numpy", "onnx", "onnxruntime", "pandas", "pyarrow", "scikit-learn", "skops"),
)
"""What the prediction service is made with; those that this platform has not are left out."""


def model_lock(model: bytes) -> "Lock":
    """The service's distributions, those whose types the model holds, and all that they need.

    Args:
        model: the bytes of `model.skops`.

    Raises:
        StoreError: one of them is not installed.
    """
    here = {each.name for each in distributions.installed()}
    modules = {kind.partition(".")[0] for kind in bytes_of.named_types(model)}
    own = {normalized(name) for module in modules for name in _providers().get(module, [])}
    return distributions.lock([name for name in sorted({*SERVICE, *own}) if name in here and name != "mlops-assets"])


@cache
def _providers() -> dict[str, list[str]]:
    """Module to the distributions that bring it."""
    return dict(metadata.packages_distributions())
