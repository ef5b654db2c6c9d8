"""Messages to people: written down first, delivered afterwards, again after a failure, and never silently dropped."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from mlops_assets.rooms.retrain.channels import Message, channels, hidden
from mlops_assets.spec.retrain import Notify
from mlops_assets.stores.lineage import Lineage, Record
from mlops_assets.stores.locking import locked

NOTIFICATION: Final = "notification"
DELIVERY: Final = "delivery"
ATTEMPTS: Final = 10
FIRST_WAIT: Final = timedelta(minutes=1)
LAST_WAIT: Final = timedelta(hours=6)


@dataclass(frozen=True)
class Parcel:
    """A message on its way through one channel.

    Attributes:
        notification: the record of the message.
        channel: `webhook` or `email`.
        tries: the records of its deliveries so far, all failed.
    """

    notification: Record
    channel: str
    tries: tuple[Record, ...]

    @property
    def given_up(self) -> bool:
        """Whether it is tried no more."""
        return len(self.tries) >= ATTEMPTS

    @property
    def error(self) -> str:
        """Of the newest delivery; empty before the first."""
        return str(self.tries[-1].body["error"]) if self.tries else ""

    def due(self, now: datetime) -> bool:
        """Whether it is to be tried now: after a failure each wait is twice the one before."""
        if not self.tries:
            return True
        wait = min(FIRST_WAIT * 2 ** (len(self.tries) - 1), LAST_WAIT)
        return not self.given_up and now >= datetime.fromisoformat(self.tries[-1].at) + wait


def notify(lineage: Lineage, model: str, event: str, message: Message, *, about: str) -> Record:
    """Write a message down, once for each event and what it is about."""
    body = {"event": event, **asdict(message)}
    return lineage.append(NOTIFICATION, model, body, once=f"{NOTIFICATION}:{model}:{event}:{about}")


def undelivered(lineage: Lineage, model: str, declared: Notify) -> list[Parcel]:
    """What some declared channel has not taken yet, oldest first."""
    tries: dict[tuple[int, str], list[Record]] = {}
    for record in lineage.records(DELIVERY, model):
        tries.setdefault((record.body["notification"], record.body["channel"]), []).append(record)
    parcels = []
    for sent in lineage.records(NOTIFICATION, model):
        for channel in channels(declared):
            known = tries.get((sent.sequence, channel), [])
            if not any(record.body["delivered"] for record in known):
                parcels.append(Parcel(sent, channel, tuple(known)))
    return parcels


def failing(lineage: Lineage, model: str) -> list[str]:
    """What went wrong with each message that some channel has been offered and has not taken."""
    errors: dict[tuple[int, str], str] = {}
    for record in lineage.records(DELIVERY, model):
        errors[record.body["notification"], record.body["channel"]] = str(record.body["error"])
    return [f"{channel}: {error}" for (_, channel), error in errors.items() if error]


def deliver(lineage: Lineage, model: str, declared: Notify, *, lock: Path, now: datetime | None = None) -> list[str]:
    """Try what is due, and say what came of it; a failure is recorded and tried again later, and raises nothing.

    A kill between a channel's answer and the record of it delivers the message a second time.

    Args:
        lineage: where messages are written down.
        model: whose.
        declared: the channels.
        lock: a file, so that of two daemons only one delivers at a time.
        now: by the wall's clock; left out: now.
    """
    if not any(parcel.due(now or datetime.now(UTC)) for parcel in undelivered(lineage, model, declared)):
        return []
    with locked(lock):
        due = [p for p in undelivered(lineage, model, declared) if p.due(now or datetime.now(UTC))]
        return [_try(lineage, model, declared, parcel) for parcel in due]


def _try(lineage: Lineage, model: str, declared: Notify, parcel: Parcel) -> str:
    error, attempt = "", len(parcel.tries) + 1
    try:
        channels(declared)[parcel.channel](message(parcel.notification))
    except Exception as problem:  # noqa: BLE001 - whatever a channel does, it is recorded, and the way goes on
        error = hidden(declared, f"{type(problem).__name__}: {problem}")
    body = {
        "notification": parcel.notification.sequence,
        "channel": parcel.channel,
        "attempt": attempt,
        "delivered": not error,
        "error": error,
    }
    once = f"{DELIVERY}:{model}:{parcel.notification.sequence}:{parcel.channel}:{attempt}"
    lineage.append(DELIVERY, model, body, once=once)
    if not error:
        return f"told a person by {parcel.channel}"
    return f"could not tell a person by {parcel.channel}, attempt {attempt} of {ATTEMPTS}: {error}"


def message(record: Record) -> Message:
    """Of a notification."""
    links = tuple((str(name), str(url)) for name, url in record.body["links"])
    return Message(record.body["title"], record.body["text"], links)
