"""Answers of a batch leave together: a reader that is woken for each of them costs more than the answer itself."""

from collections.abc import Callable


class Outbox:
    """What connections keep back while a batch is answered: a batch holds it, and releases it when all have replied."""

    def __init__(self) -> None:
        """Closed: what is sent leaves at once."""
        self.held = 0
        self._kept: list[Callable[[], None]] = []

    def hold(self) -> None:
        """Keep what is sent from now on."""
        self.held += 1

    def keep(self, flush: Callable[[], None]) -> None:
        """Have this called when the last that holds has released."""
        self._kept.append(flush)

    def release(self) -> None:
        """Let everything go, unless another batch still holds it."""
        self.held -= 1
        if not self.held:
            kept, self._kept = self._kept, []
            for flush in kept:
                flush()
