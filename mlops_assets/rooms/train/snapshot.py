"""What a model version was made of, recorded so that it can be brought back: data, code, environment and parameters."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mlops_assets.errors import NotFound
from mlops_assets.rooms.train.declared import Declared
from mlops_assets.stores import distributions, provenance

if TYPE_CHECKING:
    from mlops_assets.rooms.train.identity import Ingredients
    from mlops_assets.spec.plan import ModelPlan
    from mlops_assets.stores.lineage import Lineage, Record
    from mlops_assets.stores.registry import ModelVersion

SNAPSHOT = "snapshot"


@dataclass(frozen=True)
class Snapshot:
    """All that one model version was made of.

    Attributes:
        model: name.
        version: in the registry; 0 when the training failed.
        digest: of the model's bytes.
        identity: of what it was made of.
        inputs: table to its version and fingerprint.
        code: the repository's root, commit, tree, digests of the uncommitted patch and of the platform's own files,
            and the train room's own version.
        environment: digest of the installed distributions.
        parameters: the declaration that training depended on, seed included, as JSON.
        run_id: MLflow's run.
        lock: digest of the environment's lock; the lineage holds the lock itself, and the patch.
        declared: the whole declaration, so that the plan can be made again.
        dagster_run: the run that trained it.
        searched: what a search had found, as JSON; empty when none was declared. A search depends on those before it,
            and on time where it is limited; its find does not.
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
    lock: str = ""
    declared: str = ""
    dagster_run: str = ""
    searched: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """From the body of a lineage record."""
        return cls(**{name: body[name] for name in cls.__dataclass_fields__ if name in body})

    def record(self, lineage: "Lineage") -> "Record":
        """Write it down, once."""
        return lineage.append(SNAPSHOT, self.model, asdict(self), once=f"snapshot:{self.model}:{self.identity}")


def code_root(plan: "ModelPlan") -> Path:
    """Where the code of a model is: the repository around its declaration, or else around the platform."""
    return provenance.repository(plan.place.folder) or provenance.PACKAGE.parent


def capture(
    lineage: "Lineage",
    plan: "ModelPlan",
    parts: "Ingredients",
    *,
    read: Mapping[str, list[int | str]],
    version: "ModelVersion | None" = None,
    dagster_run: str = "",
    searched: str = "",
) -> Snapshot:
    """The snapshot of what was just trained; the patch and the lock are kept in the lineage.

    Args:
        lineage: keeps the patch and the lock.
        plan: of the model.
        parts: what the training depended on.
        read: table to its version and fingerprint.
        version: that came out; None when the training failed.
        dagster_run: that trained.
        searched: what a search had found.
    """
    made = Snapshot(
        model=plan.name,
        version=version.number if version else 0,
        digest=version.digest if version else "",
        identity=parts.identity,
        inputs=read,
        code=_code(lineage, plan, parts.code),
        environment=parts.environment,
        parameters=parts.parameters,
        run_id=version.run_id if version else "",
        lock=lineage.keep(distributions.lock().text()),
        dagster_run=dagster_run,
        searched=searched,
    )
    return replace(made, declared=Declared.of(plan, Path(made.code["root"])).text())


def of_version(lineage: "Lineage", model: str, version: int) -> Snapshot:
    """What a model version was made of.

    Raises:
        NotFound: nothing is recorded of it.
    """
    known = {record.body["version"]: record for record in lineage.records(SNAPSHOT, model)}
    if version not in known:
        raise NotFound.of(
            f"no snapshot of model '{model}'", got=version, allowed=", ".join(map(str, known)) or "(none yet)"
        )
    return Snapshot.of(known[version].body)


def _code(lineage: "Lineage", plan: "ModelPlan", room: str) -> dict[str, str]:
    root = code_root(plan)
    state = provenance.code_state(root)
    if state.diff:
        lineage.keep(provenance.patch(root))
    held = provenance.hold(root, state.commit) if state.commit else False
    return {
        **asdict(state),
        "root": str(root),
        "held": "yes" if held else "no",
        "package": provenance.files_digest(provenance.PACKAGE),
        "room": room,
    }
