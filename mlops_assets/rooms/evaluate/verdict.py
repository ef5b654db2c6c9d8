"""The decision about a challenger, with the evidence that it rests on; whoever releases needs it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from mlops_assets.errors import UnknownName
from mlops_assets.rooms.evaluate.gate import Check, Gate, judge
from mlops_assets.rooms.evaluate.gates import GATES
from mlops_assets.rooms.train.identity import digest
from mlops_assets.rooms.train.training_set import span

if TYPE_CHECKING:
    from mlops_assets.rooms.evaluate.evidence import Evidence
    from mlops_assets.spec.plan import ModelPlan
    from mlops_assets.stores.lineage import Lineage, Record

Decision = Literal["ACCEPT", "REJECT", "FIRST_MODEL"]


@dataclass(frozen=True)
class Verdict:
    """What was decided about one challenger, and why.

    Attributes:
        model: name.
        decision: ACCEPT, REJECT or FIRST_MODEL.
        gates: each with its figure and threshold.
        challenger: the version judged.
        challenger_digest: of its bytes.
        champion: the version compared with; None when there was none.
        window: first and last event time of the rows judged on, ISO; empty without event time.
        rows: judged on.
    """

    model: str
    decision: Decision
    gates: tuple[Gate, ...]
    challenger: int
    challenger_digest: str
    champion: int | None
    window: tuple[str, str]
    rows: int

    @property
    def accepted(self) -> bool:
        """Whether the challenger may be released."""
        return self.decision in ("ACCEPT", "FIRST_MODEL")

    @property
    def at(self) -> str:
        """The newest event time that it rests on: the data's own clock."""
        return self.window[1]

    @property
    def digest(self) -> str:
        """SHA-256 of the content: the same evidence and decision, the same digest."""
        return digest({**asdict(self), "gates": [gate.content() for gate in self.gates]})

    def failed(self) -> tuple[Gate, ...]:
        """The gates that refused."""
        return tuple(gate for gate in self.gates if not gate.passed)

    def gate(self, name: str) -> Gate | None:
        """One gate by name."""
        return next((gate for gate in self.gates if gate.name == name), None)

    def body(self) -> dict[str, Any]:
        """As a lineage record keeps it."""
        return {**asdict(self), "at": self.at, "digest": self.digest}

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """From the body of a lineage record."""
        fields = {name: body[name] for name in cls.__dataclass_fields__}
        gates = tuple(Gate.of(gate) for gate in body["gates"])
        return cls(**{**fields, "gates": gates, "window": tuple(body["window"])})

    def record(self, lineage: "Lineage") -> "Record":
        """Write it down, once."""
        return lineage.append("verdict", self.model, self.body(), once=f"verdict:{self.digest}")


def asked_of(plan: "ModelPlan", beside: Mapping[str, Check] | None = None) -> dict[str, Check]:
    """The gates of a model: those that it names, or else all there are.

    Args:
        plan: the declaration.
        beside: gates that a later room brings along.

    Raises:
        UnknownName: it names one that is not there.
        SpecError: there is no such module.
    """
    known = {**GATES, **(beside or {})}
    names = plan.model.evaluate.gates
    if names is None:
        return known
    chosen: dict[str, Check] = {}
    for name in names:
        if ":" not in name and name not in known:
            raise UnknownName.among("gate", name, known)
        chosen[name] = plan.place.load(name) if ":" in name else known[name]
    return chosen


def decide(evidence: "Evidence", gates: Mapping[str, Check] | None = None) -> Verdict:
    """Ask every gate; one refusal, a gate that cannot run, or no gate at all is a REJECT."""
    judged = judge(evidence, asked_of(evidence.plan) if gates is None else gates)
    passed = bool(judged) and all(gate.passed for gate in judged)
    accepted: Decision = "ACCEPT" if evidence.champion else "FIRST_MODEL"
    first, last = span(evidence.holdout.rows)
    return Verdict(
        model=evidence.model.name,
        decision=accepted if passed else "REJECT",
        gates=judged,
        challenger=evidence.challenger.number,
        challenger_digest=evidence.challenger.digest,
        champion=evidence.champion.number if evidence.champion else None,
        window=(first.isoformat() if first else "", last.isoformat() if last else ""),
        rows=len(evidence.labels),
    )
