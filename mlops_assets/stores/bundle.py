"""A bundle's bytes: how they are digested, and how a model in them is written and read without pickle."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlops_assets.errors import Damaged, StoreError
from mlops_assets.stores.canonical import canonical

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

MODEL_FILE = "model.skops"
TRUSTED_PACKAGES = ("sklearn.", "mlops_assets.")
_NUMBERS = ("bool", "bool_", "float32", "float64", "int8", "int32", "int64", "str_", "uint8")
_LIGHTGBM = ("basic.Booster", "sklearn.LGBMClassifier", "sklearn.LGBMRegressor")
TRUSTED_TYPES = frozenset(
    {
        *("numpy.dtype", "numpy.ndarray", "numpy.random.mtrand.RandomState", "collections.OrderedDict"),
        *(f"numpy.{kind}" for kind in _NUMBERS),
        *(f"lightgbm.{kind}" for kind in _LIGHTGBM),
    }
)


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over the sorted names and SHA-256 of the files.

    >>> digest({"a": b"1", "b": b"2"}) == digest({"b": b"2", "a": b"1"}) != digest({"a": b"12", "b": b""})
    True
    """
    lines = (f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def is_trusted(kind: str) -> bool:
    """Whether a type may be loaded: scikit-learn's, our own, and a few of numpy's and LightGBM's, by name."""
    return kind in TRUSTED_TYPES or kind.startswith(TRUSTED_PACKAGES)


def dumps(pipeline: "Pipeline") -> bytes:
    """A fitted pipeline as skops bytes; the same pipeline gives the same bytes, in any process.

    Raises:
        StoreError: it holds a type that would be refused when it is loaded.
    """
    import skops.io

    content = canonical(skops.io.dumps(pipeline))
    refused = [kind for kind in named_types(content) if not is_trusted(kind)]
    if refused:
        raise StoreError.of(
            "the model holds types that are not trusted",
            got=", ".join(refused),
            allowed=", ".join((*(f"{name}*" for name in TRUSTED_PACKAGES), *sorted(TRUSTED_TYPES))),
        )
    return content


def named_types(content: bytes) -> list[str]:
    """The types in skops bytes that skops itself does not vouch for, sorted."""
    import skops.io

    return sorted(skops.io.get_untrusted_types(data=content))


def loads(content: bytes) -> Any:
    """A fitted pipeline from skops bytes; check the digest first, the format itself is not safe from strangers.

    Raises:
        Damaged: the bytes name a type that is not trusted.
    """
    import skops.io

    named = named_types(content)
    refused = [kind for kind in named if not is_trusted(kind)]
    if refused:
        raise Damaged.of("the model names types that are not trusted", got=", ".join(refused))
    return skops.io.loads(content, trusted=named)
