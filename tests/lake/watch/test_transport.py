"""Lineage goes where the address says; a server that is slow, gone or unwilling costs a step nothing."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lake.watch.transport import KEY_VARIABLE, Console, File, Http, LineageAddressError, transport_for


class Server(ThreadingHTTPServer):
    """Keeps what it is sent; answers with `status`, once `answering` is set."""

    def __init__(self) -> None:
        self.status = 201
        self.answering = threading.Event()
        self.answering.set()
        self.asked = threading.Event()
        self.got: list[tuple[str, dict[str, str], Any]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.got.append((self.path, dict(self.headers), body))
        server.asked.set()
        server.answering.wait(10)
        self.send_response(server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@contextmanager
def running() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.answering.set()
        server.shutdown()
        server.server_close()


def test_events_reach_a_server_in_order_with_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "key-1")
    with running() as server:
        transport = transport_for(server.url)
        assert transport
        for number in range(5):
            transport.send({"n": number})
        transport.close()
        assert [body["n"] for _, _, body in server.got] == list(range(5))
        path, headers, _ = server.got[0]
    assert path == "/api/v1/lineage"
    assert headers["Authorization"] == "Bearer key-1"
    assert headers["Content-Type"] == "application/json"


def test_sending_does_not_wait_for_the_answer() -> None:
    with running() as server:
        server.answering.clear()
        transport = Http(server.url)
        transport.send({"n": 1})
        transport.send({"n": 2})  # returns while the server still holds its first answer
        assert server.asked.wait(10)
        assert len(server.got) == 1
        server.answering.set()
        transport.close()
        assert len(server.got) == 2


def test_a_server_that_is_not_there_is_said_once_and_left_alone_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    now = [0.0]
    transport = Http(f"http://127.0.0.1:{port}/", pause=30, clock=lambda: now[0])
    for number in range(20):
        transport.send({"n": number})
    transport._waiting.join()
    assert caplog.text.count("the lineage server takes no events (URLError)") == 1
    with running() as server:
        transport.url = server.url
        transport.send({"n": "too early"})
        transport._waiting.join()
        now[0] = 31
        transport.send({"n": "again"})
        transport._waiting.join()
        assert [body["n"] for _, _, body in server.got] == ["again"]


def test_a_server_that_refuses_is_said_with_its_status(caplog: pytest.LogCaptureFixture) -> None:
    with running() as server:
        server.status = 401
        transport = Http(server.url)
        transport.send({})
        transport._waiting.join()
    assert "takes no events (HTTPError 401)" in caplog.text


def test_an_end_does_not_wait_for_a_server_that_hangs(caplog: pytest.LogCaptureFixture) -> None:
    with running() as server:
        server.answering.clear()
        ticks = iter(range(1000))
        transport = Http(server.url, seconds=3, clock=lambda: next(ticks))
        transport.send({"n": 1})
        assert server.asked.wait(10)
        transport.close()  # three ticks of the clock, not the server's answer
        assert transport._waiting.unfinished_tasks == 1


def test_a_file_gets_a_line_for_each_event(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "events.jsonl"
    transport = transport_for(path.as_uri())
    assert isinstance(transport, File)
    transport.send({"n": 1})
    transport.send({"n": 2})
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"n": 1}, {"n": 2}]


def test_the_console_gets_a_line_for_each_event(capsys: pytest.CaptureFixture[str]) -> None:
    Console().send({"n": "ö\n"})
    assert json.loads(capsys.readouterr().out) == {"n": "ö\n"}


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("http://marquez:5000", "http://marquez:5000/api/v1/lineage"),
        ("https://marquez/", "https://marquez/api/v1/lineage"),
        ("https://host/other/place", "https://host/other/place"),
    ],
)
def test_a_server_takes_events_at_the_usual_path_unless_told(uri: str, url: str) -> None:
    transport = transport_for(uri)
    assert isinstance(transport, Http)
    assert transport.url == url


def test_nothing_is_sent_where_no_address_is_given() -> None:
    assert transport_for("") is None


@pytest.mark.parametrize(
    "uri", ["marquez:5000", "ftp://host", "file:///", "http://", "https://user:secret@host", "stdout"]
)
def test_an_address_that_is_none_is_refused_without_repeating_it(uri: str) -> None:
    with pytest.raises(LineageAddressError, match="lineage_uri") as caught:
        transport_for(uri)
    assert "secret" not in str(caught.value)
