"""The packaged function as AWS Lambda would run it: its zip alone on the path of a Python of its own, a real registry
over HTTP. What stands for AWS is the loop that hands it requests, and the registry's server."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from schemas.model import Pipeline
from streaming.udf.package import package

LOOP = """
import json, os, sys
sys.path[:0] = [sys.argv[1]]
os.environ["LAKE_REGISTRY"] = sys.argv[2]
from streaming.udf.handler import handler
foreign = [name for name, m in sys.modules.items() if "site-packages" in (getattr(m, "__file__", None) or "")]
assert not foreign, foreign
for line in sys.stdin:
    # The runtime sends what the handler gives as JSON.
    print(json.dumps(handler(json.loads(line), None)), flush=True)
"""


@dataclass
class RegistryServer:
    """A Confluent-compatible registry on a port of its own; counts what it is asked, and may be down."""

    schemas: dict[str, str]
    asked: list[str] = field(default_factory=list)
    down: bool = False
    address: str = ""

    @classmethod
    @contextmanager
    def serving(cls, schemas: Mapping[str, str]) -> Iterator[RegistryServer]:
        registry = cls(dict(schemas))

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                schema_id = self.path.rsplit("/", 1)[-1]
                registry.asked.append(schema_id)
                text = registry.schemas.get(schema_id)
                status = 503 if registry.down else 404 if text is None else 200
                body = json.dumps(
                    {"schema": text} if status == 200 else {"error_code": 40403 if status == 404 else 50001}
                )
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        registry.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()
            server.server_close()


@dataclass
class PackagedFunction:
    """A process that runs the zip's handler."""

    process: subprocess.Popen[str]

    @classmethod
    @contextmanager
    def running(cls, pipeline: Pipeline, folder: Path, registry: str) -> Iterator[PackagedFunction]:
        archive = folder / "decode.zip"
        archive.write_bytes(package(pipeline))
        # -I and -S: neither the environment nor site-packages; what the zip lacks is missing.
        command = [sys.executable, "-I", "-S", "-c", LOOP, str(archive), registry]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield cls(process)
            finally:
                process.terminate()

    def invoke(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The response to a request, as Redshift reads it: the payload is JSON text that holds the response's."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(json.loads(self.process.stdout.readline()))
        return found

    def decoded(self, table: str, records: Sequence[tuple[bytes | None, bytes | None]]) -> list[str]:
        """One result per (key, value)."""
        response = self.invoke(request(table, records))
        assert response["success"], response
        assert response["num_records"] == len(records)
        results: list[str] = response["results"]
        return results


def request(table: str, records: Sequence[tuple[bytes | None, bytes | None]]) -> dict[str, Any]:
    """A request as Redshift makes it of `f(table, from_varbyte(key, 'base64'), from_varbyte(value, 'base64'))`."""
    arguments = [
        [table, *(None if part is None else b64encode(part).decode() for part in record)] for record in records
    ]
    return {
        "request_id": "23FF1F97-F28A-44AA-AB67-266ED976BF40",
        "cluster": "arn:aws:redshift:eu-west-1:123456789012:cluster:lake",
        "user": "loader",
        "database": "lake",
        "external_function": "staging.f_decode_change",
        "query_id": 5678234,
        "num_records": len(records),
        "arguments": arguments,
    }
