"""Releases as the lineage holds them: who made which version champion, when, and on what evidence."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mlops_assets.stores.lineage import Lineage, Record

RELEASE: Final = "release"
OVERRIDE: Final = "OVERRIDE"
ROLLBACK: Final = "ROLLBACK"


@dataclass(frozen=True)
class Release:
    """One version's way to the alias.

    Attributes:
        version: that became champion.
        digest: of its bytes.
        decision: ACCEPT or FIRST_MODEL by a verdict; OVERRIDE or ROLLBACK by a person.
        who: `verdict`, or the person.
        evidence: digest of the verdict, or of the person's own record.
        replaces: the version that was champion before.
        trained_until: newest event time that the version was trained on, ISO.
        at: the data's own clock, ISO.
        role: of the person.
        reason: that the person gave.
        expires: until when an override stands, ISO in UTC.
        user: the account under which a person's command ran; what they said of themselves is in `who`.
    """

    version: int
    digest: str
    decision: str
    who: str
    evidence: str
    replaces: int | None
    trained_until: str | None
    at: str
    role: str = ""
    reason: str = ""
    expires: str = ""
    user: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Release":
        """From the body of a lineage record."""
        return cls(**{name: body[name] for name in cls.__dataclass_fields__ if name in body})

    def body(self) -> dict[str, Any]:
        """As a lineage record keeps it."""
        return asdict(self)

    def expired(self, now: datetime | None = None) -> bool:
        """Whether it is an override whose time is over.

        >>> Release(1, "d", OVERRIDE, "Ada", "e", None, None, "", expires="2024-01-01T00:00:00+00:00").expired()
        True
        """
        return bool(self.expires) and datetime.fromisoformat(self.expires) <= (now or datetime.now(UTC))

    def overriding(self) -> str:
        """What people have to know of an override, in a sentence; empty when it is none.

        >>> Release(1, "d", OVERRIDE, "Ada", "e", None, None, "", expires="2024-01-01T00:00:00+00:00").overriding()
        'the override of version 1 by Ada expired at 2024-01-01T00:00:00+00:00'
        """
        if self.decision != OVERRIDE:
            return ""
        word = "expired at" if self.expired() else "stands until"
        return f"the override of version {self.version} by {self.who} {word} {self.expires}"


def releases(lineage: "Lineage", model: str) -> list[Release]:
    """Every release of a model, oldest first."""
    return [Release.of(record.body) for record in lineage.records(RELEASE, model)]


def standing(lineage: "Lineage", model: str) -> Release | None:
    """The newest release: what the alias must say."""
    found = releases(lineage, model)
    return found[-1] if found else None


def stack(lineage: "Lineage", model: str) -> list[Release]:
    """The releases that stand on each other: a rollback takes away all that came after its version.

    The last one stands; the one before is where a rollback goes.
    """
    kept: list[Release] = []
    for release in releases(lineage, model):
        if release.decision == ROLLBACK:
            places = [place for place, each in enumerate(kept) if each.version == release.version]
            kept = kept[: places[-1]] if places else kept
        kept.append(release)
    return kept


def withdrawn(lineage: "Lineage", model: str, version: int) -> Release | None:
    """The rollback that took a version away, unless a person has released it again since."""
    taken: Release | None = None
    for release in releases(lineage, model):
        if release.decision == ROLLBACK and release.replaces == version:
            taken = release
        elif release.version == version:
            taken = None
    return taken


def newest_record(lineage: "Lineage", model: str) -> "Record | None":
    """The lineage's own record of the release that stands."""
    return lineage.latest(RELEASE, model)
