"""The explorer's web server; it writes no files and loads no code."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from importlib import resources
from threading import Semaphore
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotspec.explorer import goals, traces, views
from slotspec.explorer.errors import RequestError
from slotspec.explorer.settings import ABOUT, Models, parse_path
from slotspec.oracle.own.entry import class_of
from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.errors import SlotspecError, UsageError
from slotspec.statemachine.visible import visible

HOSTS = ["127.0.0.1", "localhost"]
"""The accepted host names; others are rejected to prevent DNS rebinding."""
LONGEST_QUERY = 16_000
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; connect-src 'self';"
    " style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
PAGES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}

Answer = Callable[[Models, Mapping[str, str]], Any]


class Headers:
    """Adds :data:`HEADERS` to every response, and turns a fault into one.

    A fault that goes on to the server would end as a traceback on the console.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def send_more(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [
                    *message.get("headers", []),
                    *((k.encode(), v.encode()) for k, v in HEADERS.items()),
                ]
            await send(message)

        try:
            await self.app(scope, receive, send_more)
        except Exception as what:
            response = _fault(what)
            print(f"slotspec explore: {scope['path']}: {_told(what)}", file=sys.stderr)
            if not begun:
                await response(scope, receive, send_more)


def application(models: Mapping[str, Model]) -> Starlette:
    """The application that serves `models`, and plays traces of them and of built-in ones."""
    for model in models.values():
        # a model with the name of a built-in one can be explored, but has no traces
        with suppress(UsageError):
            class_of(model)
    served = Models(models)
    searching = Semaphore(1)
    routes = [Route(path, _page(*file), methods=["GET"]) for path, file in PAGES.items()]
    routes += [
        Route("/api/models", _get(served, _models, frozenset()), methods=["GET"]),
        Route("/api/view", _get(served, _view, ABOUT), methods=["GET"]),
        Route("/api/lifecycle", _get(served, _lifecycle, frozenset({"model", "name"}))),
        Route(
            "/api/find",
            _get(served, _find, ABOUT | {"property", "where"}, searching),
            methods=["GET"],
        ),
        Route("/api/export", _get(served, _export, ABOUT), methods=["GET"]),
        Route("/api/trace", _trace, methods=["POST"]),
    ]
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(Headers),
            Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False),
        ],
        exception_handlers={
            HTTPException: _http_error,
            RequestError: _request_error,
            SlotspecError: _own_error,
        },
    )


def error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status)


async def _http_error(request: Request, what: Exception) -> Response:
    assert isinstance(what, HTTPException)
    message = {
        404: f"there is no {request.url.path[:80]}; the page is at /",
        405: f"{request.url.path[:80]} does not accept {request.method}",
    }.get(what.status_code, what.detail)
    response = error(what.status_code, f"WEB{what.status_code}", message)
    response.headers.update(what.headers or {})
    return response


async def _request_error(request: Request, what: Exception) -> Response:
    assert isinstance(what, RequestError)
    return error(what.status, what.code, what.message)


async def _own_error(request: Request, what: Exception) -> Response:
    assert isinstance(what, SlotspecError)
    return error(400, what.code, what.message)


def _fault(what: Exception) -> Response:
    return error(500, "WEB500", _told(what))


def _told(what: Exception) -> str:
    return visible(f"slotspec itself failed: {type(what).__name__}: {what}")


def _page(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        content = resources.files("slotspec.explorer").joinpath(name).read_bytes()
        return Response(content, media_type=kind)

    return page


def _query(request: Request, allowed: frozenset[str] | set[str]) -> dict[str, str]:
    """The query; each of its names is allowed and occurs once.

    :raises RequestError: 400 for any other query, 414 if it is too long.
    """
    if len(request.url.query) > LONGEST_QUERY:
        raise RequestError(414, "WEB005", f"a query has at most {LONGEST_QUERY:,} characters")
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in allowed:
            known = ", ".join(sorted(allowed)) or "none"
            raise RequestError(
                400, "WEB007", f"unknown parameter {name[:60]!r}; the parameters are: {known}"
            )
        if name in found:
            raise RequestError(400, "WEB007", f"the query has {name!r} twice; give it once")
        found[name] = value
    return found


def _get(
    served: Models,
    answer: Answer,
    allowed: frozenset[str] | set[str],
    alone: Semaphore | None = None,
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that computes in a thread; with `alone` it rejects concurrent requests."""

    def compute(query: dict[str, str]) -> Response:
        if alone is not None and not alone.acquire(blocking=False):
            raise RequestError(
                429, "WEB012", "another search is in progress; try again when it is done"
            )
        try:
            found = answer(served, query)
        finally:
            if alone is not None:
                alone.release()
        if isinstance(found, Response):
            return found
        return Response(json.dumps(found, ensure_ascii=False), media_type="application/json")

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(compute, _query(request, allowed))

    return endpoint


def _models(served: Models, query: Mapping[str, str]) -> Any:
    return views.models(served.models)


def _view(served: Models, query: Mapping[str, str]) -> Any:
    ready = served.ready(query)
    path = parse_path(query.get("path", ""), ready.instance)
    with ready.lock:
        return views.view(ready, path)


def _find(served: Models, query: Mapping[str, str]) -> Any:
    ready = served.ready(query)
    path = parse_path(query.get("path", ""), ready.instance)
    if ("property" in query) == ("where" in query):
        raise RequestError(400, "WEB011", "give either property=NAME or where=field:VALUE")
    # these may take seconds, and must not block other requests
    if "property" in query:
        return goals.property_path(ready, query["property"])
    return goals.state_path(ready, path, query["where"])


def _export(served: Models, query: Mapping[str, str]) -> Any:
    ready = served.ready(query)
    path = parse_path(query.get("path", ""), ready.instance)
    if not path:
        raise RequestError(400, "WEB008", "the path is empty; take a step, then export")
    with ready.lock:
        content = traces.exported(ready, path)
    name = f"{ready.instance.model.name}-{len(path)}.jsonl"
    return Response(
        content,
        media_type="application/jsonl",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def _lifecycle(served: Models, query: Mapping[str, str]) -> Any:
    return Response(
        views.lifecycle_svg(served.model(query), query.get("name", "")), media_type="image/svg+xml"
    )


async def _trace(request: Request) -> Response:
    """Replay an uploaded trace without storing it; a POST because it has a body."""
    query = _query(request, {"generation"})
    origin = request.headers.get("origin")
    if origin is not None and origin != f"{request.url.scheme}://{request.headers['host']}":
        raise RequestError(403, "WEB022", "only the explorer's own page may send traces")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > traces.LARGEST_BODY:
            raise RequestError(
                413,
                "WEB021",
                f"a trace has at most {traces.LARGEST_BODY >> 20} MiB; compress it with gzip",
            )
    found = await run_in_threadpool(traces.played, body, query.get("generation"))
    return Response(json.dumps(found, ensure_ascii=False), media_type="application/json")
