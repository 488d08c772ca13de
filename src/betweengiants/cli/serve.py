"""The command `betweengiants serve`: the web application on this machine."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.dossier import DossierArgument

if TYPE_CHECKING:
    from collections.abc import Callable

EPILOG = "Example: betweengiants serve kazakhstan --port 8050"
CONNECTIONS = 64  # more at once are answered with "busy"


def serve(
    where: DossierArgument = "kazakhstan",
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="Port; 0 takes a free one.")
    ] = 8050,
    allow_remote: Annotated[
        bool,
        typer.Option(
            "--allow-remote", help="Let other machines in: needed for any host but this machine's own."
        ),
    ] = False,
) -> None:
    """Serve the report and live what-ifs to a browser on this machine, until Ctrl-C."""
    import uvicorn

    from betweengiants.core.errors import DataError, quoted
    from betweengiants.dossier import load_dossier
    from betweengiants.web import create_app
    from betweengiants.web.guard import is_loopback

    if not allow_remote and not is_loopback(host):
        raise DataError(
            found=f"--host {quoted(host)}, which other machines can reach",
            allowed="127.0.0.1, ::1 or localhost; with --allow-remote any host (there is no password)",
        )
    dossier = load_dossier(where)
    with listener(host, port) as bound:  # before the work: a port that is taken is found out at once
        app = create_app(dossier, host=host, progress=_progress())
        number = bound.getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        print(f"http://{name}:{number}/  (Ctrl-C stops)", flush=True)
        settings = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            lifespan="off",
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=3,
        )
        try:
            uvicorn.Server(settings).run(sockets=[bound])
        except KeyboardInterrupt:  # how the server ends
            return


def listener(host: str, port: int) -> socket.socket:
    """A socket that listens on this host and port.

    Raises:
        DataError: no such host, or a port that is taken or not allowed.
    """
    from betweengiants.core.errors import DataError, quoted

    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(place, family=family)
    except (OSError, UnicodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a host name"
        raise DataError(
            found=f"--host {quoted(host)} --port {port} ({reason})",
            allowed="a host of this machine and a free port",
        ) from None


def _progress() -> Callable[[str], None]:
    """Steps go to standard error, only on a terminal."""
    if not sys.stderr.isatty():
        return lambda step: None
    return lambda step: print(f"  {step}", file=sys.stderr, flush=True)
