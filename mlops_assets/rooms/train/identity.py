"""What a model is made of: the same data, code, environment and parameters make the same model, so it is made once."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_assets import keys
from mlops_assets.stores import provenance

if TYPE_CHECKING:
    from mlops_assets.spec.plan import ModelPlan
    from mlops_assets.stores.lake import Lake

ROOM = Path(__file__).parent


@dataclass(frozen=True)
class Ingredients:
    """Everything that a training's result depends on.

    Attributes:
        data: fingerprint of the training set.
        code: digest of the train room's code, and of the user's own candidates.
        environment: digest of the installed distributions.
        parameters: the part of the declaration that matters, as JSON.
    """

    data: str
    code: str
    environment: str
    parameters: str

    @property
    def identity(self) -> str:
        """SHA-256 over all of them."""
        return digest([self.data, self.code, self.environment, self.parameters])


def ingredients(lake: "Lake", plan: "ModelPlan") -> Ingredients:
    """Of the model that the newest training set makes, here and now."""
    data = lake.fingerprint(keys.table(plan.name, "training_set"))
    return Ingredients(data, _code(plan), provenance.environment(), _parameters(plan))


def recipe(plan: "ModelPlan") -> str:
    """Digest of all but the data and the environment: code, parameters and the features' declarations."""
    tables = [table.table.model_dump(mode="json") for table in plan.tables]
    return digest([_code(plan), _parameters(plan), tables])


def canonical(value: Any) -> str:
    """JSON with sorted keys and no blanks.

    >>> canonical({"b": 1, "a": 2})
    '{"a":2,"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def digest(value: Any) -> str:
    """SHA-256 of a value's canonical JSON, 64 hex digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _parameters(plan: "ModelPlan") -> str:
    trained = {"name", "target", "features", "task", "metrics", "objective", "threshold", "train"}
    asked = plan.model.model_dump(mode="json", include=trained)
    judged = plan.model.evaluate.model_dump(mode="json", include={"resamples", "confidence"})
    return canonical({**asked, "evaluate": judged})


def _code(plan: "ModelPlan") -> str:
    own = [name for name in plan.model.train.candidates or () if ":" in name]
    own += [metric.function for metric in plan.model.metrics.values()]
    return digest([_room(), *(plan.place.digest(name) for name in own)])


@cache
def _room() -> str:
    return digest([[file.name, file.read_text()] for file in sorted(ROOM.glob("*.py"))])
