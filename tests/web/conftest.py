import asyncio
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.applications import Starlette

from betweengiants.dossier import load_dossier
from betweengiants.web import create_app

with warnings.catch_warnings():  # newer versions would rather have another client below it
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

BASE = "http://127.0.0.1:8050"


@pytest.fixture(scope="session")
def app() -> Starlette:
    """The application on the built-in dossier: made once, it never changes."""
    return create_app(load_dossier())


@pytest.fixture(scope="session")
def client(app: Starlette) -> Iterator[TestClient]:
    with TestClient(app, base_url=BASE) as client:
        yield client


@pytest.fixture
def status_of(app: Starlette) -> Callable[[str], int]:
    """Status of a path that is sent as it is: a client would tidy it up first."""

    def ask(path: str) -> int:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "query_string": b"",
        }
        scope |= {"path": unquote(path), "raw_path": path.encode("ascii"), "root_path": ""}
        scope |= {
            "headers": [(b"host", b"127.0.0.1")],
            "server": ("127.0.0.1", 8050),
            "client": ("127.0.0.1", 1),
        }
        asyncio.run(app(scope, receive, send))
        return int(sent[0]["status"])

    return ask
