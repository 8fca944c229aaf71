"""An S3 server on this machine (moto's), with Glue's catalog beside it, and faults on demand in front of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import boto3
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

REGION: Final = "eu-west-1"
CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": REGION}
_ERRORS: Final = {403: "AccessDenied", 500: "InternalError", 503: "SlowDown"}


@dataclass
class Fault:
    """What goes wrong with the next requests of a method whose path holds a text.

    Args:
        method: such as `PUT`.
        part: a part of bucket, key and query.
        status: the error answered; none answers late, and rightly.
        times: how many requests.
        seconds: how late.
        lost: whether the request is carried out before the error is answered, as when an answer is lost on its way.
    """

    method: str
    part: str
    status: int | None = None
    times: int = 1
    seconds: float = 0.0
    lost: bool = False
    met: int = 0


@dataclass(frozen=True)
class Request:
    """A request that came in, and how it was answered."""

    method: str
    path: str
    conditional: bool
    status: int


@dataclass
class S3:
    """The server's address, its faults, and what it was asked."""

    endpoint: str = ""
    faults: list[Fault] = field(default_factory=list)
    seen: list[Request] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which the AWS SDKs come here."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL": self.endpoint}

    def client(self, service: Any = "s3") -> Any:
        """A client of the server."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    @contextmanager
    def fault(self, method: str, part: str, **more: Any) -> Iterator[Fault]:
        """A fault for as long as the block runs."""
        found = Fault(method, part, **more)
        self.faults.append(found)
        try:
            yield found
        finally:
            self.faults.remove(found)

    def puts(self, part: str) -> list[Request]:
        """The PUTs whose path holds a text."""
        return [request for request in self.seen if request.method == "PUT" and part in request.path]

    def taken(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets."""
        with self._lock:
            for fault in self.faults:
                if fault.method == method and fault.part in path and fault.met < fault.times:
                    fault.met += 1
                    return fault
        return None


Start = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], Start], Iterable[bytes]]


def _faulty(app: Wsgi, state: S3) -> Wsgi:
    def answer(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        path = f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
        conditional = environ.get("HTTP_IF_NONE_MATCH") == "*"

        def started(status: str, *rest: Any, **more: Any) -> Any:
            state.seen.append(Request(method, path, conditional, int(status[:3])))
            return start(status, *rest, **more)

        fault = state.taken(method, path)
        if fault is None:
            return app(environ, started)
        time.sleep(fault.seconds)
        if fault.status is None:
            return app(environ, started)
        if fault.lost:
            list(app(environ, lambda *_, **__: None))
        else:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        code = _ERRORS[fault.status]
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
        started(f"{fault.status} {code}", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body]

    return answer


class _Quiet(WSGIRequestHandler):
    """Keeps connections, so that a session opens few, and says nothing of each request."""

    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        """Nothing of it belongs in a test's output."""


@contextmanager
def running(bucket: str) -> Iterator[S3]:
    """A server with one bucket."""
    state = S3()
    app = _faulty(DomainDispatcherApplication(create_backend_app), state)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        # Moto keeps what it holds for as long as the process lives: another test's server may have been here before.
        moto_api_backend.reset()
        state.client().create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield state
    finally:
        server.shutdown()
        thread.join()
