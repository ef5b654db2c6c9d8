"""`POST /ingest/<dataset>`: JSON lines are acknowledged once they are on the disk; many posts share one wait for it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlops_assets.errors import LandingError, StoreError, UnknownName
from mlops_assets.rooms.ingest.journal import Journal
from mlops_assets.rooms.ingest.posts import Post
from mlops_assets.spec.dataset import Dataset

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse

BODY_BYTES: Final = 8_000_000
WAITING_BYTES: Final = 64_000_000
"""Of posts that wait for the disk, above which others are asked to come later."""
LOOK_SECONDS: Final = 1.0


class TooLarge(LandingError):
    """A body is larger than one may be."""


class Writer:
    """Appends the posts of one dataset, those that wait together in one go, and cuts batches by size and age."""

    def __init__(self, journal: Journal) -> None:
        """Remember the journal."""
        self.journal = journal
        self.waiting: list[tuple[Post, asyncio.Future[str]]] = []
        self.bytes = 0
        self.working = True
        self.trouble = ""
        self._woken = asyncio.Event()

    async def put(self, post: Post) -> str:
        """Add rows; the name of their batch to be, once they can't be lost.

        Raises:
            LandingError: its keys do not go with those before.
            StoreError: the disk refused.
        """
        self.journal.admit(post)
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.waiting.append((post, done))
        self.bytes += sum(map(len, post.rows))
        self._woken.set()
        return await done

    async def work(self) -> None:
        """Go on until `stop`; what waits then is written."""
        while self.working or self.waiting:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), LOOK_SECONDS)
            self._woken.clear()
            await self.once()

    def stop(self) -> None:
        """Let the work end."""
        self.working = False
        self._woken.set()

    async def once(self) -> None:
        """Write what waits, and cut the batch when it is due."""
        taken, self.waiting, self.bytes = self.waiting, [], 0
        if taken:
            try:
                name = await asyncio.to_thread(self.journal.append, [row for post, _ in taken for row in post.rows])
            except (StoreError, OSError) as error:
                _answer(taken, error if isinstance(error, StoreError) else StoreError.of(str(error)))
            else:
                _answer(taken, name)
        if self.journal.due():
            try:
                await asyncio.to_thread(self.journal.seal)
                self.trouble = ""
            except OSError as error:  # the rows stay in the journal, and the next look tries again
                self.trouble = str(error)
                logging.getLogger(__name__).warning("the batch %s could not be cut: %s", self.journal.name, error)


def _answer(taken: list[tuple[Post, "asyncio.Future[str]"]], answer: str | StoreError) -> None:
    for _, done in taken:
        if done.cancelled():
            continue
        if isinstance(answer, str):
            done.set_result(answer)
        else:
            done.set_exception(answer)


def app(datasets: Iterable[Dataset], home: Path, *, body_bytes: int = BODY_BYTES) -> "Starlette":
    """The service for the datasets whose source is a stream."""
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    journals = {dataset.name: Journal(dataset, home) for dataset in datasets if dataset.source.stream}
    writers: dict[str, Writer] = {}

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for name, journal in journals.items():
                journal.recover()
                stack.callback(journal.close)
                writers[name] = Writer(journal)
                await stack.enter_async_context(_working(writers[name]))
            yield

    async def post(request: "Request") -> JSONResponse:
        try:
            name = request.path_params["dataset"]
            if name not in writers:
                raise UnknownName.among("stream", name, journals)
            return await _taken(request, writers[name], body_bytes)
        except (LandingError, StoreError, UnknownName) as error:
            return JSONResponse({"error": str(error)}, _status(error))

    async def health(_: "Request") -> JSONResponse:
        streams = {name: {"rows": w.journal.rows, "trouble": w.trouble} for name, w in writers.items()}
        return JSONResponse({"streams": streams}, 503 if any(w.trouble for w in writers.values()) else 200)

    routes = [Route("/ingest/{dataset}", post, methods=["POST"]), Route("/health", health)]
    return Starlette(routes=routes, lifespan=life)


async def _taken(request: "Request", writer: Writer, body_bytes: int) -> "JSONResponse":
    from starlette.responses import JSONResponse

    if request.headers.get("content-encoding", "identity") != "identity":
        return JSONResponse({"error": "a compressed body is not taken; next: post it as it is"}, 415)
    if writer.bytes > WAITING_BYTES:
        return JSONResponse({"error": "the disk is behind; next: post again"}, 503, {"Retry-After": "1"})
    posted = Post.of(await _body(request, body_bytes))
    return JSONResponse({"accepted": len(posted.rows), "batch": await writer.put(posted)}, 202)


async def _body(request: "Request", most: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise TooLarge.of("the body is too large", allowed=f"{most:,} bytes", step="post the rows in parts")
        parts.append(part)
    return b"".join(parts)


def _status(error: Exception) -> int:
    if isinstance(error, UnknownName):
        return 404
    if isinstance(error, StoreError):
        return 507
    return 413 if isinstance(error, TooLarge) else 400


@asynccontextmanager
async def _working(writer: Writer) -> AsyncIterator[None]:
    """Let the writer work while the block runs; what waits at its end is written."""
    task = asyncio.create_task(writer.work())
    try:
        yield
    finally:
        writer.stop()
        await task
