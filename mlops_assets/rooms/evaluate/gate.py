"""One thing asked of a challenger, and the answer; a gate that cannot run, or no gate at all, refuses.

A gate is a function of the evidence: `Check`. Those that are always asked stand in `gates.GATES` by name. A later room
hands its own to `assets.build(plan, beside)`, a user names `module:function` in `evaluate.gates`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from mlops_assets.rooms.evaluate.evidence import Evidence


@dataclass(frozen=True)
class Gate:
    """One thing asked of a challenger, and the answer.

    Attributes:
        name: of the gate.
        passed: the answer.
        reason: in plain words.
        figure: what was measured; None when nothing could be.
        threshold: what was asked.
        low: lower bound of the figure's interval, where it has one.
        high: upper bound.
        measured: whether the figure depends on the machine and the moment, such as a time.
    """

    name: str
    passed: bool
    reason: str
    figure: float | None = None
    threshold: float | None = None
    low: float | None = None
    high: float | None = None
    measured: bool = False

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """From a record; one of before `measured` has none that was."""
        return cls(**{name: body[name] for name in cls.__dataclass_fields__ if name in body})

    def content(self) -> dict[str, Any]:
        """What a verdict's digest covers: of a measured gate, that it was asked, for what, and the answer."""
        if not self.measured:
            return asdict(self)
        return {"name": self.name, "passed": self.passed, "threshold": self.threshold}


Check = Callable[["Evidence"], Gate]


def judge(evidence: "Evidence", gates: Mapping[str, Check]) -> tuple[Gate, ...]:
    """Ask each gate; without one the answer is a refusal, too."""
    if not gates:
        return (Gate("gates", False, "no gate is configured, so that nothing speaks for the challenger"),)
    return tuple(_asked(name, check, evidence) for name, check in gates.items())


def _asked(name: str, check: Check, evidence: "Evidence") -> Gate:
    try:
        return check(evidence)
    except Exception as error:  # noqa: BLE001 - a gate that cannot run refuses, whatever the cause, and says so
        return Gate(name, False, f"could not run: {type(error).__name__}: {error}")
