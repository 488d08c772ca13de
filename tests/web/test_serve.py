"""The command: which hosts it takes, and a real server on a free port."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from betweengiants.cli import serve as command
from betweengiants.core.errors import DataError

RUN = (
    "import sys, typer\n"
    "from betweengiants.cli.serve import serve\n"
    "app = typer.Typer()\n"
    "app.command()(serve)\n"
    "app(sys.argv[1:])\n"
)


def invoke(*words: str) -> BaseException | None:
    app = typer.Typer()
    app.command(epilog=command.EPILOG)(command.serve)
    return CliRunner().invoke(app, words).exception


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org", ""])
def test_other_machines_are_kept_out_by_default(host: str) -> None:
    error = invoke("--host", host)
    assert isinstance(error, DataError)
    assert "with --allow-remote any host (there is no password)" in str(error)


def test_a_taken_port_is_found_before_the_work() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        error = invoke("--port", str(taken.getsockname()[1]))
    assert isinstance(error, DataError)
    assert "a free port" in str(error)


def test_an_unknown_host_or_dossier_is_one_sentence() -> None:
    with pytest.raises(DataError, match="a host of this machine"):
        command.listener("no such host", 0)
    error = invoke("no-such-dossier")
    assert isinstance(error, DataError)
    assert "no dossier" in str(error)


@pytest.mark.skipif(os.name == "nt", reason="interrupts are sent otherwise there")
def test_a_real_server_answers_and_stops() -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", RUN, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        found = re.match(r"http://127\.0\.0\.1:(\d+)/", server.stdout.readline())
        assert found is not None
        link = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=60)
        link.request("GET", "/whatif?by=RUS")
        answer = link.getresponse()
        assert answer.status == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Server"] is None
        assert b"Russia" in answer.read()
        link.request("HEAD", "/")
        answer = link.getresponse()
        assert (answer.status, answer.read()) == (200, b"")
        link.close()
    finally:
        server.send_signal(signal.SIGINT)
        _, errors = server.communicate(timeout=30)
    assert "Traceback" not in errors
