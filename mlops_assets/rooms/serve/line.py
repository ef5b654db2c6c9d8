"""A model's line: which bundles answer its questions now; it follows `live.json` and never lets a question drop."""

import asyncio
import hashlib
import os
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final, cast

from mlops_assets.errors import MlopsError
from mlops_assets.rooms.serve import meter as figures
from mlops_assets.rooms.serve import rearming
from mlops_assets.rooms.serve.guard import broken
from mlops_assets.rooms.serve.meter import Meter
from mlops_assets.rooms.serve.outbox import Outbox
from mlops_assets.rooms.serve.served import CHAMPION, Served
from mlops_assets.rooms.serve.shadow import Shadow
from mlops_assets.stores.online import OnlineStore
from mlops_assets.stores.prediction_log import LogWriter
from mlops_assets.stores.serving import GUARD, Live, ServingStore

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
CANARY: Final = "canary"
SHADOW: Final = "shadow"
_BUCKETS: Final = 1_000_000


class Line:
    """Everything that answers for one model.

    Attributes:
        champion: None before the first release, or while none could be loaded.
        challengers: loaded ones.
        problem: why the newest release is not served; empty when it is.
    """

    def __init__(
        self,
        store: ServingStore,
        model: str,
        folder: Path,
        meter: Meter,
        online: OnlineStore,
        *,
        outbox: Outbox,
        salt: bytes,
    ) -> None:
        """Begin with nothing; `refresh` loads what is live."""
        self.model, self.meter = model, meter
        self.live, self.champion = Live(""), cast("Served | None", None)
        self.challengers: list[Served] = []
        self.canary_share = 0.0
        self.problem = ""
        self.before: Served | None = None
        self.shadow: Shadow | None = None
        self.log = LogWriter(folder / model)
        self._store, self._online, self._outbox, self._salt = store, online, outbox, salt
        self._seen: tuple[int, int, int] | None = None
        self._pause, self._not_before = FIRST_PAUSE, 0.0

    async def refresh(self) -> bool:
        """Follow what is live, if it changed; whether it did.

        The bundle is loaded beside the old one, in a thread, and one assignment swaps them: what waits in the old one's
        line is answered by the old one. What cannot be loaded is tried again later, and the old one serves on.
        """
        mark = self._mark()
        if mark is None or (mark == self._seen and not self.problem):
            return False
        if self.problem and mark == self._seen and time.monotonic() < self._not_before:
            return False
        if mark != self._seen:
            self._pause = FIRST_PAUSE
        self._seen = mark
        try:
            live, champion, challengers, before = await asyncio.to_thread(self._load)
        except Exception as error:  # noqa: BLE001 - whatever it is, the old one serves on, and it is told
            self._refused(error)
            return False
        changed = self.champion is None or champion.digest != self.champion.digest
        self.before = before
        self.live, self.champion, self.challengers, self.problem = live, champion, challengers, ""
        self._observe(champion, challengers)
        self.canary_share = self._share(CANARY, champion) if challengers else 0.0
        self.meter.events[(self.model, "swap")] += int(changed)
        figures.live(self.model, CHAMPION, champion.version, healthy=True)
        return changed

    def keep_guard(self) -> str:
        """Serve the release before again when this one breaks its declared guard; why, or empty."""
        now, before = self.champion, self.before
        if now is None or before is None or now.manifest["guard"] is None:
            return ""
        reason = broken(now.manifest["guard"], now.record, before.record, lambda: now.pace / before.pace)
        live = self._store.live(self.model) if reason else None
        if live is None or live.champion != now.digest:
            return ""  # all is well, or another worker was faster
        self._store.release(self.model, before.digest, evidence=f"{GUARD}version {now.version}: {reason}")
        self.meter.events[(self.model, "rollback")] += 1
        self.before = None
        return reason

    @property
    def trouble(self) -> str:
        """What is to be told of it: of the newest release, of the champion, or of the log; empty while all is well."""
        return self.problem or self.stopped or self.unlogged

    @property
    def unlogged(self) -> str:
        """Why nothing is answered though the champion could: its log cannot be written; empty while it can."""
        why = self.log.trouble
        return why and f"the prediction log cannot be written ({why}), so nothing is answered"

    @property
    def stopped(self) -> str:
        """Why the champion may answer no more: it has expired, and `stop` is declared; empty while it may."""
        due = self.live.stops
        return self.live.why if due and datetime.fromisoformat(due).timestamp() <= time.time() else ""

    def _observe(self, champion: Served, challengers: list[Served]) -> None:
        share = self._share(SHADOW, champion)
        names = champion.questions.names
        self.shadow = Shadow(names, challengers, share, self.meter) if share and challengers else None
        champion.observers = [self.shadow.observe] if self.shadow else []

    def _share(self, mode: str, champion: Served) -> float:
        """Of the questions that challengers answer in this way: as their trial says, else as the champion declares."""
        if self.live.mode:
            return self.live.share if self.live.mode == mode else 0.0
        return float(champion.manifest.get(mode) or 0.0)

    def answering(self, client: str) -> Served | None:
        """Who answers a client: always the same for the same key, while the experiment lasts."""
        if self.canary_share and client and self.challengers and self._drawn(client) < self.canary_share:
            return self.challengers[0]
        return self.champion

    def _drawn(self, client: str) -> float:
        """A number from 0 to 1 that follows from the client's key and the challenger alone."""
        key = self._salt[:16] + bytes.fromhex(self.challengers[0].digest[:32])
        drawn = hashlib.blake2b(client.encode(), digest_size=8, key=key).digest()
        return int.from_bytes(drawn) % _BUCKETS / _BUCKETS

    def _load(self) -> tuple[Live, Served, list[Served], Served | None]:
        live = self._store.live(self.model) or Live("")
        loaded = {served.digest: served for served in (self.champion, *self.challengers) if served}
        champion = self._served(live.champion, CHAMPION, loaded)
        role = live.mode or (CANARY if champion.manifest.get("canary") else SHADOW)
        challengers = [self._served(digest, role, loaded) for digest in live.challengers]
        return live, champion, challengers, self._replaced(live, champion)

    def _replaced(self, live: Live, champion: Served) -> Served | None:
        """The release that a guard goes back to: the one before, if it is older; after a restart the recorded one."""
        now, folder = self.champion, self._store.live_path(self.model).parent
        if now is not None and now.version == champion.version:
            return self.before
        if now is not None:
            if now.version > champion.version:
                return None
            rearming.keep(folder, champion.digest, now.record)
            return now
        if champion.manifest["guard"] is None or not live.previous:
            return None
        with suppress(MlopsError):  # a bundle that is gone or damaged is nothing to go back to
            before = self._served(live.previous, CHAMPION, {})
            before.record = rearming.kept(folder, champion.digest)
            return before if before.version < champion.version else None
        return None

    def _served(self, digest: str, role: str, loaded: dict[str, Served]) -> Served:
        known = loaded.get(digest)
        if known is not None and known.role == role:
            return known
        bundle = self._store.load(self.model, digest)
        return Served(bundle, self.log, self.meter, self._online, outbox=self._outbox, salt=self._salt, role=role)

    def _refused(self, error: Exception) -> None:
        self.problem = str(error)
        self._not_before = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self.meter.events[(self.model, "refused_bundle")] += 1
        figures.live(self.model, CHAMPION, self.champion.version if self.champion else 0, healthy=False)

    def _mark(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self._store.live_path(self.model))  # noqa: PTH116 - 2 us, five times a second
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size
