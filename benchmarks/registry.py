"""A schema registry in this process: the one call of Confluent's API that a reader of topics makes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def registry(schemas: Mapping[int, str]) -> Iterator[str]:
    """Answers `GET /schemas/ids/<id>` with the Avro schema texts given; yields the address.

    An unknown id is answered as Confluent's registry does: 404 with error code 40403.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = schemas.get(_id_of(self.path))
            status = 200 if text is not None else 404
            body = {"schema": text} if text is not None else {"error_code": 40403, "message": "Schema not found"}
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names them
            """Says nothing: standard error belongs to the progress of the run."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True, name="registry").start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _id_of(path: str) -> int:
    last = path.rstrip("/").rsplit("/", 1)[-1]
    return int(last) if last.isdecimal() else -1
