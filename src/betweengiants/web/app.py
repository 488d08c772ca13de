"""The application: which address gives what."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from importlib.metadata import version
from pathlib import PurePosixPath

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from betweengiants.core.errors import BetweenGiantsError, UnknownLabel, nearest, quoted
from betweengiants.dossier import Dossier
from betweengiants.web import data, pages
from betweengiants.web.cache import Cache
from betweengiants.web.guard import Guard, Hosts, policy, secure
from betweengiants.web.query import address, read_question
from betweengiants.web.site import MEDIA, Progress, Site, build_site, to_json

JSON = "application/json"
NO_SOLUTION = 3  # exit code of an error that is not the reader's


def create_app(
    dossier: Dossier, *, host: str = "127.0.0.1", progress: Progress = lambda step: None
) -> Starlette:
    """Build the application: the report is rendered once, what-ifs are solved when they are asked.

    Args:
        dossier: the evidence.
        host: what the server listens on; requests that name another host are refused (see `guard.Hosts`).
        progress: called with the name of each step.

    Raises:
        BetweenGiantsError: from the engines.
    """
    return app_of(build_site(dossier, progress), host=host)


def app_of(site: Site, *, host: str = "127.0.0.1") -> Starlette:
    """The application on a site that is ready."""

    def refuse(scope: Scope, status: int, sentence: str) -> Response:
        return _problem(site, scope["path"], status, sentence)

    app = Starlette(
        routes=[
            Route("/", _report),
            Route("/whatif", _whatif),
            Route("/sources", _sources),
            Route("/sources/{source}", _source),
            Route("/api/position.json", _file("position.json")),
            Route("/api/sever.json", _sever_json),
            Route("/api/whatif.json", _whatif_json),
            Route("/position.json", _file("position.json")),
            Route("/tables/{name}", _file("tables/{name}")),
            Route("/figures/{name}", _file("figures/{name}")),
            Route("/healthz", _health),
        ],
        middleware=[Middleware(Guard, hosts=Hosts(host), refuse=refuse)],
        exception_handlers={
            BetweenGiantsError: _on_our_error,
            HTTPException: _on_http_error,
            Exception: _on_crash,
        },
    )
    app.state.site, app.state.cache = site, Cache()
    return app


def _report(request: Request) -> Response:
    return _page(_site(request).page)


def _whatif(request: Request) -> Response:
    site, query = _site(request), request.url.query
    if not query:
        return _page(pages.whatif_page(site, None))
    question = read_question(query, site.live)

    def make() -> bytes:
        return pages.whatif_page(site, site.live.ask(question)).encode("utf-8")

    return _page(_cache(request).get(("page", address(question, site.live)), make).decode("utf-8"))


def _whatif_json(request: Request) -> Response:
    site = _site(request)
    question = read_question(request.url.query, site.live)

    def make() -> bytes:
        return to_json(data.whatif_document(site, site.live.ask(question)))

    return Response(_cache(request).get(("json", address(question, site.live)), make), media_type=JSON)


def _sever_json(request: Request) -> Response:
    return Response(to_json(data.severance_rows(_site(request), request.url.query)), media_type=JSON)


def _sources(request: Request) -> Response:
    return _page(pages.sources_page(_site(request)))


def _source(request: Request) -> Response:
    site, source = _site(request), request.path_params["source"]
    if source not in site.named:
        raise HTTPException(404, str(UnknownLabel(source, site.named, what="source", file="sources.csv")))
    return _page(pages.source_page(site, source))


def _file(pattern: str) -> Callable[[Request], Response]:
    """A file of the report; names are looked up in memory, never on a disk."""

    def serve(request: Request) -> Response:
        files, path = _site(request).files, pattern.format_map(request.path_params)
        if path not in files:
            near = nearest(path, sorted(files))
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise HTTPException(404, f"There is no file {quoted(path)}.{hint}")
        return Response(files[path], headers={"Content-Type": MEDIA[PurePosixPath(path).suffix]})

    return serve


def _health(request: Request) -> Response:
    header = _site(request).position.dossier.header
    state = {
        "status": "ok",
        "version": version("betweengiants"),
        "dossier": header.name,
        "edition": header.version,
    }
    return Response(to_json(state), media_type=JSON)


def _on_our_error(request: Request, error: Exception) -> Response:
    unsolved = isinstance(error, BetweenGiantsError) and error.exit_code == NO_SOLUTION
    return _problem(_site(request), request.url.path, 422 if unsolved else 400, str(error))


def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    plain = HTTPStatus(error.status_code).phrase
    sentence = (
        error.detail if error.detail != plain else f"No page has the address {quoted(request.url.path)}."
    )
    return _problem(_site(request), request.url.path, error.status_code, sentence)


def _on_crash(request: Request, error: Exception) -> Response:
    """What went wrong goes to the server's log, never to the reader; this answer does not pass the guard."""
    sentence = "The server met an error that it did not expect; its log says more."
    response = _problem(_site(request), request.url.path, 500, sentence)
    secure(response.headers)
    return response


def _problem(site: Site, path: str, status: int, sentence: str) -> Response:
    if path.startswith("/api/"):
        return Response(to_json({"error": sentence}), status, media_type=JSON)
    return _page(pages.error_page(site, status, sentence), status)


def _page(html: str, status: int = 200) -> Response:
    return Response(html, status, {"Content-Security-Policy": policy(html)}, "text/html")


def _site(request: Request) -> Site:
    site = request.app.state.site
    assert isinstance(site, Site)
    return site


def _cache(request: Request) -> Cache:
    cache = request.app.state.cache
    assert isinstance(cache, Cache)
    return cache
