"""The prediction service: an ASGI application over every released model."""

import logging
import time
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from mlops_assets.rooms.serve import columns, feedback, meter, openapi, pages, told
from mlops_assets.rooms.serve.access import Access
from mlops_assets.rooms.serve.body import Gone, Receive, check_head, kind_of, read, rest, whole
from mlops_assets.rooms.serve.line import Line
from mlops_assets.rooms.serve.many import predict_many
from mlops_assets.rooms.serve.models import Models
from mlops_assets.rooms.serve.predict import predict, unreleased
from mlops_assets.rooms.serve.problems import Problem, busy, expired, fault
from mlops_assets.rooms.serve.reply import TEXT, Send, reply, reply_json, reply_page, reply_problem

Scope = MutableMapping[str, Any]
Handler = Callable[[Scope, Receive, Send], Awaitable[None]]
ONE_LIMIT: Final = 262_144
MANY_LIMIT: Final = 33_554_432
_LOG = logging.getLogger(__name__)
PREFIX: Final = "/v1/models/"
_JSON: Final = (columns.JSON,)


class Service:
    """Routes requests; `/v1/models/{model}:predict` comes first, for it is asked most."""

    def __init__(self, models: Models, access: Access) -> None:
        """Serve these models to those whom the tokens name."""
        self.models, self.access = models, access
        self.meter = models.meter
        self.draining = False
        self._pages: dict[str, tuple[str, Handler]] = {
            "/": ("predict", self._docs),
            "/docs": ("predict", self._docs),
            "/openapi.json": ("predict", self._openapi),
            "/v1/models": ("predict", self._listed),
            "/metrics": ("admin", self._metrics),
        }

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request; a question to a model takes the shortest way."""
        line = self.models.predicting.get(scope.get("path", "")) if scope.get("method") == "POST" else None
        return self._other(scope, receive, send) if line is None else self._predict(line, scope, receive, send)

    async def _predict(self, line: Line, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        self.meter.in_flight += 1
        try:
            if self.meter.in_flight > self.models.in_flight or line.live.stops:
                self._admit(line)
            headers = dict(scope["headers"])
            if self.access.on:
                self.access.check(headers, "predict")
            elif headers.get(b"host") != self.access.host:
                self.access.check_host(headers)
            check_head(headers, ONE_LIMIT, _JSON)
            message = await receive()
            body = whole(message, ONE_LIMIT) or await rest(receive, message, ONE_LIMIT)
            await reply(send, await predict(line, body, began))
        except Exception as error:  # noqa: BLE001 - told without a value
            await self._failed(error, scope, send)
        finally:
            self.meter.in_flight -= 1

    def _admit(self, line: Line) -> None:
        if self.meter.in_flight > self.models.in_flight:
            raise busy("too many requests are under way")
        if why := line.stopped:
            raise expired(line.model, why)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            if not self.access.on:
                self.access.check_host(dict(scope["headers"]))
            if scope["method"] == "POST":
                await self._post(scope["path"], scope, receive, send)
            else:
                await self._get(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - told without a value
            await self._failed(error, scope, send)

    async def _failed(self, error: Exception, scope: Scope, send: Send) -> None:
        """Tell the caller, and count; what we did not expect is told to our own log alone, and there without values."""
        problem = error if isinstance(error, Problem) else Problem(500)
        self._count(scope["path"], 499 if isinstance(error, Gone) else problem.status)
        if isinstance(error, Gone):
            return
        if error is not problem:
            where = "".join(traceback.format_tb(error.__traceback__))
            _LOG.error("%s while answering %s\n%s", type(error).__name__, scope["path"], where)
        await reply_problem(send, problem)

    async def _post(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        if self.meter.in_flight >= self.models.in_flight:
            raise busy("too many requests are under way")
        self.meter.in_flight += 1
        try:
            await self._rarer(path, scope, receive, send)
        finally:
            self.meter.in_flight -= 1

    async def _rarer(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        if path == "/v1/feedback":
            await self._feedback(scope, receive, send)
        elif path.startswith(PREFIX) and path.endswith(":predictBatch"):
            await self._many(path[len(PREFIX) : -len(":predictBatch")], scope, receive, send)
        elif path.startswith(PREFIX) and path.endswith(":predict"):
            raise self._unknown()
        elif path in self._pages or path in ("/healthz", "/readyz"):
            raise Problem(405, fault("", "not this method", ["GET"]), headers=[(b"allow", b"GET")])
        else:
            raise Problem(404, fault("", "no such path"), step="see /docs")

    async def _many(self, model: str, scope: Scope, receive: Receive, send: Send) -> None:
        self._allowed(scope, "predict")
        line = self.models.lines.get(model)
        if line is None:
            raise self._unknown()
        if line.champion is None:
            raise unreleased(line)
        if why := line.stopped:
            raise expired(model, why)
        began, served = time.perf_counter(), line.champion
        headers = dict(scope["headers"])
        body = await read(receive, headers, MANY_LIMIT, *columns.KINDS)
        kind = kind_of(headers[b"content-type"])
        await reply(send, await predict_many(served, body, kind, began))

    async def _feedback(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._allowed(scope, "feedback")
        body = await read(receive, dict(scope["headers"]), MANY_LIMIT, columns.JSON)
        found = feedback.outcomes(body, self.models.lines)
        self.models.keep_feedback(found)
        await reply_json(send, {"accepted": len(found)}, status=202)

    async def _get(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if scope["method"] not in ("GET", "HEAD"):
            raise Problem(405, fault("", "not this method", ["GET", "POST"]), headers=[(b"allow", b"GET, POST")])
        if path == "/healthz":
            await reply_json(send, {"status": "ok"})
        elif path == "/readyz":
            await self._ready(send)
        elif path in self._pages:
            role, handler = self._pages[path]
            self._allowed(scope, role)
            await handler(scope, receive, send)
        elif path.startswith(PREFIX):
            self._allowed(scope, "predict")
            await self._model(path[len(PREFIX) :], send)
        elif path == "/v1/feedback":
            raise Problem(405, fault("", "not this method", ["POST"]), headers=[(b"allow", b"POST")])
        else:
            raise Problem(404, fault("", "no such path"), step="see /docs")

    async def _ready(self, send: Send) -> None:
        found = told.readiness(self.models.lines, draining=self.draining)
        await reply_json(send, found, status=200 if found["ready"] else 503)

    async def _model(self, rest: str, send: Send) -> None:
        name, _, what = rest.partition("/")
        if name.endswith((":predict", ":predictBatch")):
            raise Problem(405, fault("", "not this method", ["POST"]), headers=[(b"allow", b"POST")])
        line = self.models.lines.get(name)
        if line is None or what not in ("", "card"):
            raise self._unknown() if line is None else Problem(404, fault("", "no such path"), step="see /docs")
        if line.champion is None:
            raise unreleased(line)
        if what == "card":
            await reply_page(send, line.champion.card)
        else:
            await reply_json(send, told.model(line))

    async def _docs(self, _: Scope, __: Receive, send: Send) -> None:
        await reply_page(send, pages.docs(self.models.lines))

    async def _openapi(self, _: Scope, __: Receive, send: Send) -> None:
        await reply_json(send, openapi.document(self.models.lines, secured=self.access.on))

    async def _listed(self, _: Scope, __: Receive, send: Send) -> None:
        found = [told.brief(line) for line in self.models.lines.values()]
        await reply_json(send, {"models": found, **({} if found else {"next": told.NOTHING})})

    async def _metrics(self, _: Scope, __: Receive, send: Send) -> None:
        self.meter.hand_over()
        await reply(send, meter.exposition(), TEXT)

    def _allowed(self, scope: Scope, role: str) -> None:
        if self.access.on:
            self.access.check(dict(scope["headers"]), role)

    def _unknown(self) -> Problem:
        if not self.models.lines:
            return Problem(503, fault("", "no model was ever released"), step=told.NOTHING)
        return Problem(404, fault("model", "no such model is served", sorted(self.models.lines)))

    def _count(self, path: str, status: int) -> None:
        named = path.removeprefix(PREFIX).removesuffix(":predictBatch")
        line = self.models.predicting.get(path) or self.models.lines.get(named)
        model = line.model if line else ""
        version = str(line.champion.version) if line and line.champion else ""
        self.meter.requests[(model, version, "champion", str(status))] += 1
        self.meter.failed[(model, version, status)] += 1
