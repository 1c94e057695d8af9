"""A client of the explorer's server, over a real connection."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest

pytest.importorskip("starlette", reason="the extra web is not installed")
pytest.importorskip("uvicorn", reason="the extra web is not installed")


@dataclass(frozen=True)
class Answer:
    """A response of the server."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True)
class Client:
    """Sends requests as a browser on this machine does."""

    address: str

    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        connection = HTTPConnection(urlsplit(self.address).netloc, timeout=60)
        try:
            if params:
                path += f"?{urlencode(params)}"
            target = quote(path, safe="/?&=%:.,[]+*-_")
            connection.request(method, target, content, dict(headers or {}))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **options: Any) -> Answer:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        return self.request("POST", path, **options)


@pytest.fixture(scope="session")
def client() -> Iterator[Client]:
    """The default pool and the turnstile."""
    from slotspec.models import load_model
    from tests.diagrams.samples import turnstile
    from tests.explorer.browser import serving

    models = {"slot_pool": load_model("slot_pool"), "turnstile": turnstile()}
    with serving(models) as address:
        yield Client(address)
