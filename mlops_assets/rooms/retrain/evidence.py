"""What speaks for and against training again, as plain values: all that the arbiter looks at."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Outcome = Literal["", "helped", "refused", "failed"]


@dataclass(frozen=True)
class Champion:
    """The model in force.

    Attributes:
        number: its version.
        trained_until: the newest event time that it was trained on.
        released: when, by the clock of the evidence.
    """

    number: int
    trained_until: datetime | None = None
    released: datetime | None = None


@dataclass(frozen=True)
class Request:
    """An earlier request for a challenger.

    Attributes:
        clock: the data's time at which it was made.
        labels: the matured labels that there were.
        causes: that it named.
        windows: whose alarms it knew of, as `cause:window`: they are no cause again.
        outcome: `helped` when its challenger was released; empty while it is open.
        code: digest of the training's code and parameters then; empty: not known.
        contract: digest of the data's contract then; empty: not known.
    """

    clock: datetime
    labels: int
    causes: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    outcome: Outcome = ""
    code: str = ""
    contract: str = ""


@dataclass(frozen=True)
class Window:
    """What a monitor recorded of a window.

    Attributes:
        name: of the window.
        end: its newest event time.
        alarm: whether its figure is out of bounds.
        figure: what was measured.
        threshold: what it is held against.
        measure: the figure's name.
        judged: when, by the data's clock: late labels open a window again; None: at its end.
        version: that answered it; None: not known.
        fault: what is broken in its data; empty: nothing is. Such a window asks for nothing, whatever its figures.
    """

    name: str
    end: datetime
    alarm: bool
    figure: float
    threshold: float
    measure: str = "figure"
    judged: datetime | None = None
    version: int | None = None
    fault: str = ""

    @property
    def known(self) -> datetime:
        """When its verdict was known."""
        return max(self.end, self.judged) if self.judged else self.end


@dataclass(frozen=True)
class Demand:
    """A person's wish that no request has answered yet.

    Attributes:
        number: of its record.
        reason: in the person's words.
    """

    number: int
    reason: str


@dataclass(frozen=True)
class Evidence:
    """All that the arbiter looks at.

    Attributes:
        clock: the newest event time seen; it stands for now. The wall's where rows have no time.
        labels: matured labels.
        history: event time that they span.
        champion: None before the first release.
        requests: made so far, oldest first.
        drift: what the monitor recorded, oldest first.
        performance: the same, by labels.
        demands: that wait.
        code: digest of the training's code and parameters; empty: not known.
        contract: digest of the data's contract; empty: not known.
        paused: why a person paused the model; empty: nobody did.
    """

    clock: datetime
    labels: int
    history: timedelta
    champion: Champion | None = None
    requests: tuple[Request, ...] = ()
    drift: tuple[Window, ...] = ()
    performance: tuple[Window, ...] = ()
    demands: tuple[Demand, ...] = ()
    code: str = ""
    contract: str = ""
    paused: str = ""

    @property
    def last(self) -> Request | None:
        """The newest request."""
        return self.requests[-1] if self.requests else None
