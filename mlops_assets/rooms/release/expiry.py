"""How old a release is, and whether it is too old to be trusted: the arbiter, the status and whoever serves ask."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mlops_assets.spec.base import duration_text
from mlops_assets.spec.retrain import Expiry

if TYPE_CHECKING:
    from mlops_assets.stores.lineage import Lineage, Record


@dataclass(frozen=True)
class Age:
    """Of a release, against the age that was declared.

    Attributes:
        version: that was released.
        released: when, by the declared clock.
        now: by the same clock.
        declared: the maximum age, and what follows.
    """

    version: int
    released: datetime
    now: datetime
    declared: Expiry

    @property
    def age(self) -> timedelta:
        """Since the release."""
        return self.now - self.released

    @property
    def expires(self) -> datetime:
        """When it is, or was, too old."""
        return self.released + self.declared.after

    @property
    def expired(self) -> bool:
        """Whether it is too old."""
        return self.now >= self.expires

    @property
    def stops(self) -> bool:
        """Whether it may answer no more."""
        return self.expired and self.declared.action == "stop"

    @property
    def words(self) -> str:
        """The same in a sentence."""
        limit = duration_text(self.declared.after)
        if not self.expired:
            return (
                f"version {self.version} is {self.age.days} days old; it expires at {limit}, on {self.expires:%Y-%m-%d}"
            )
        follows = {"warn": "", "retrain": "; a challenger is asked for", "stop": "; it answers no more"}
        since = f"has expired: released {self.age.days} days ago, of {limit} allowed"
        return f"version {self.version} {since}{follows[self.declared.action]}"


def age(declared: Expiry | None, release: "Record | None", data_clock: datetime | None) -> Age | None:
    """How old the newest release is; None when there is none, or no maximum age.

    Args:
        declared: the model's `expiry`.
        release: its newest release record.
        data_clock: the newest event time of its dataset; None: rows have no time, and the wall's clock stands in.
    """
    if declared is None or release is None:
        return None
    since = released(release, declared)
    now = data_clock if declared.clock == "data" and data_clock and release.body.get("at") else datetime.now(UTC)
    return Age(int(release.body["version"]), since, now, declared)


def stopped(lineage: "Lineage", model: str, declared: Expiry | None, data_clock: datetime | None) -> str:
    """Why a model may answer no more: its champion has expired, and `stop` is declared; empty while it may.

    Whoever serves asks this before an answer; a served bundle carries the declaration as `expiry` in its manifest.
    """
    found = age(declared, lineage.latest("release", model), data_clock)
    return found.words if found and found.stops else ""


def released(release: "Record", declared: Expiry | None) -> datetime:
    """When a release was made: by the data's own clock where that counts and is known, else by the wall's."""
    by_data = release.body.get("at")
    wall = declared is not None and declared.clock == "wall"
    return datetime.fromisoformat(str(by_data) if by_data and not wall else release.at)
