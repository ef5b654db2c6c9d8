"""Every model that is served, and what is done for all of them beside answering: follow releases, seal, sync, count."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final

from mlops_assets.errors import Damaged, StoreError
from mlops_assets.rooms.serve import failures, feedback
from mlops_assets.rooms.serve.line import Line
from mlops_assets.rooms.serve.meter import Meter
from mlops_assets.rooms.serve.outbox import Outbox
from mlops_assets.rooms.serve.problems import busy
from mlops_assets.settings import Settings
from mlops_assets.stores.online import OnlineStore, opened
from mlops_assets.stores.prediction_log import LogWriter, seal_orphans
from mlops_assets.stores.secret import secret
from mlops_assets.stores.serving import ServingStore, in_force

LOOK: Final = 0.2
SYNC: Final = 0.1
IN_FLIGHT: Final = 256
_LOG = logging.getLogger(__name__)


class Models:
    """The lines of one worker process."""

    def __init__(self, settings: Settings, outbox: Outbox | None = None) -> None:
        """Remember where everything is; `refresh` loads."""
        self.settings, self.meter = settings, Meter()
        self._outbox = outbox or Outbox()
        self.store = ServingStore(settings.serving)
        self.online: OnlineStore = opened(settings.online_url, settings.online)
        self.lines: dict[str, Line] = {}
        self.predicting: dict[str, Line] = {}
        self.in_flight = IN_FLIGHT
        self._feedback: dict[str, LogWriter] = {}
        self._failures: dict[str, LogWriter] = {}
        self._said, self._kept = "", 0.0
        self._salt = secret(settings.serving / ".salt")

    async def refresh(self) -> None:
        """Follow what was released."""
        for model in self.store.models():
            if model not in self.lines:
                folder: Path = self.settings.prediction_log
                seal_orphans(folder / model)
                line = Line(self.store, model, folder, self.meter, self.online, outbox=self._outbox, salt=self._salt)
                self.lines[model] = line
                self._feedback[model] = LogWriter(folder / feedback.FOLDER / model)
                self._failures[model] = LogWriter(folder / failures.FOLDER / model)
                self.predicting[f"/v1/models/{model}:predict"] = line
        for line in self.lines.values():
            if await line.refresh():
                _LOG.info("%s: version %s answers", line.model, line.champion and line.champion.version)
            elif line.problem:
                _LOG.debug("%s: %s", line.model, line.problem)
        self._measured()

    def _measured(self) -> None:
        """Keep to the limits that were declared, or that a stress test has set."""
        limits = []
        for line in self.lines.values():
            if line.champion is not None:
                found = in_force(line.champion.manifest, self._settings(line.model))
                line.champion.waiting.limit = found["batch_size"]
                limits.append(found["in_flight"])
        self.in_flight = max(limits, default=IN_FLIGHT)

    def _settings(self, model: str) -> dict[str, int]:
        try:
            return self.store.settings(model)
        except Damaged as error:
            self._say(f"{model}: {error}")
            return {}

    def chores(self) -> "list[Coroutine[Any, Any, None]]":
        """What goes on beside answering, until cancelled."""
        return [self._again(self.follow, LOOK), self._again(self.preserve, SYNC), self._again(self.shadow, SYNC)]

    async def _again(self, look: Callable[[], Awaitable[None]], pause: float) -> None:
        """Look again and again: whatever one look stumbles over, such as a full disk, the next may find mended."""
        while True:
            await asyncio.sleep(pause)
            try:
                await look()
            except Exception as error:  # noqa: BLE001 - told, and looked at again
                self._say(f"{look.__name__}: {type(error).__name__}: {error}")

    def _say(self, words: str) -> None:
        """Tell a trouble once, and not five times a second."""
        if words != self._said:
            self._said = words
            _LOG.error("%s", words)

    async def follow(self) -> None:
        """Look for releases, and hand over the figures."""
        await self.refresh()
        self.meter.hand_over()
        for line in self.lines.values():
            if reason := line.keep_guard():
                _LOG.warning("%s: rolled back: %s", line.model, reason)

    async def shadow(self) -> None:
        """Let challengers answer what waits for them."""
        for line in self.lines.values():
            if line.shadow is not None:
                await line.shadow.answer()

    async def preserve(self) -> None:
        """Bring the logs to the disk, and seal what is due."""
        for log in self._logs():
            log.retry()  # though a balancer that was told of the trouble sends no question that would
        self._keep_failures()
        for log in self._logs():
            log.seal_if_due()
            with contextlib.suppress(OSError):  # the next write tells the callers
                await asyncio.to_thread(log.sync)

    def keep_feedback(self, found: Sequence[feedback.Outcome]) -> None:
        """Keep outcomes; those of one model by one write.

        Raises:
            Problem: the disk is full.
        """
        try:
            for model in {outcome.model for outcome in found}:
                records = [feedback.record(outcome) for outcome in found if outcome.model == model]
                self._feedback[model].write(records)
                self.meter.events[(model, "feedback")] += len(records)
        except StoreError:
            raise busy("the feedback cannot be written, so it is not accepted") from None

    def _keep_failures(self, pause: float = failures.PAUSE) -> None:
        """Log how often nothing was answered; while the disk is full the counts wait."""
        failed = self.meter.failed
        if not failed or time.monotonic() - self._kept < pause:
            return
        self._kept = time.monotonic()
        for (model, version, status), count in list(failed.items()):
            with contextlib.suppress(StoreError):
                if model in self._failures:
                    self._failures[model].write([failures.record(version, status, count)])
                failed[(model, version, status)] -= count
        self.meter.failed = +failed

    def close(self) -> None:
        """Seal all logs."""
        self._keep_failures(0.0)
        for log in self._logs():
            log.seal()
            log.sync()

    def _logs(self) -> list[LogWriter]:
        return [*self._feedback.values(), *self._failures.values(), *(line.log for line in self.lines.values())]
