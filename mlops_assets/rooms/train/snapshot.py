"""What a model version was made of, recorded so that it can be brought back: data, code, environment and parameters."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from mlops_assets.errors import NotFound

if TYPE_CHECKING:
    from mlops_assets.rooms.train.identity import Ingredients
    from mlops_assets.stores.lineage import Lineage, Record
    from mlops_assets.stores.provenance import CodeState
    from mlops_assets.stores.registry import ModelVersion


@dataclass(frozen=True)
class Snapshot:
    """All that one model version was made of.

    Attributes:
        model: name.
        version: in the registry.
        digest: of the model's bytes.
        identity: of what it was made of.
        inputs: table to its version and fingerprint.
        code: commit, tree and uncommitted diff, and the train room's own version.
        environment: digest of the installed distributions.
        parameters: the declaration that training depended on, as JSON.
        run_id: MLflow's run.
    """

    model: str
    version: int
    digest: str
    identity: str
    inputs: Mapping[str, list[int | str]]
    code: Mapping[str, str]
    environment: str
    parameters: str
    run_id: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """From the body of a lineage record."""
        return cls(**{name: body[name] for name in cls.__dataclass_fields__})

    def record(self, lineage: "Lineage") -> "Record":
        """Write it down, once."""
        return lineage.append("snapshot", self.model, asdict(self), once=f"snapshot:{self.model}:{self.identity}")


def capture(
    version: "ModelVersion",
    parts: "Ingredients",
    *,
    read: Mapping[str, list[int | str]],
    state: "CodeState",
) -> Snapshot:
    """The snapshot of a version that was just trained."""
    code = {"commit": state.commit, "tree": state.tree, "diff": state.diff, "room": parts.code}
    return Snapshot(
        model=version.model,
        version=version.number,
        digest=version.digest,
        identity=parts.identity,
        inputs=read,
        code=code,
        environment=parts.environment,
        parameters=parts.parameters,
        run_id=version.run_id,
    )


def of_version(lineage: "Lineage", model: str, version: int) -> Snapshot:
    """What a model version was made of.

    Raises:
        NotFound: nothing is recorded of it.
    """
    known = {record.body["version"]: record for record in lineage.records("snapshot", model)}
    if version not in known:
        raise NotFound.of(
            f"no snapshot of model '{model}'", got=version, allowed=", ".join(map(str, known)) or "(none yet)"
        )
    return Snapshot.of(known[version].body)
