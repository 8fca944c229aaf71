"""MSK's API of topics, emulated: HTTP as an unmodified boto3 speaks it, answers held against botocore's own model.

Emulated: create, describe, update; a topic that is busy for a while after a change; partitions that only grow; faults on
demand. Not emulated: brokers, signatures, IAM, listing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import unquote

import botocore.session
from botocore.validate import ParamValidator

MODEL: Final = botocore.session.get_session().get_service_model("kafka")


@dataclass
class Topics:
    """The state behind the endpoint.

    Args:
        busy: how many times a topic that was made or changed tells that it is not ready.
        faults: error codes that the next calls answer with.
        calls: what was asked, in order.
    """

    busy: int = 1
    faults: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    topics: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    endpoint: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any], str]:
        """Status, body and error code for a request."""
        with self._lock:
            cluster, name = _place(path, body)
            operation = {"POST": "CreateTopic", "GET": "DescribeTopic", "PUT": "UpdateTopic"}[method]
            self.calls.append(f"{operation} {name}")
            if self.faults:
                return 503, {"message": "a fault on demand"}, self.faults.pop(0)
            given = {_upper(key): value for key, value in body.items()}
            asked = {**given, "ClusterArn": cluster, "TopicName": name}
            shape = MODEL.operation_model(operation).input_shape
            assert shape is not None
            assert not ParamValidator().validate(asked, shape).has_errors(), asked
            return self._carried_out(operation, (cluster, name), given)

    def _carried_out(
        self, operation: str, key: tuple[str, str], given: dict[str, Any]
    ) -> tuple[int, dict[str, Any], str]:
        found = self.topics.get(key)
        if operation == "CreateTopic":
            if found:
                return 409, {"message": "it exists"}, "TopicExistsException"
            self.topics[key] = {**given, "busy": self.busy, "state": "CREATING"}
            return 200, self._told(key), ""
        if found is None:
            return 404, {"message": "no such topic"}, "NotFoundException"
        if operation == "UpdateTopic":
            if given.get("PartitionCount", found["PartitionCount"]) < found["PartitionCount"]:
                return 400, {"message": "partitions only grow"}, "BadRequestException"
            found.update(given, busy=self.busy, state="UPDATING")
        told = self._told(key)
        found["busy"] -= 1
        return 200, told, ""

    def _told(self, key: tuple[str, str]) -> dict[str, Any]:
        found = self.topics[key]
        status = found["state"] if found["busy"] > 0 else "ACTIVE"
        return {
            "topicName": key[1],
            "partitionCount": found["PartitionCount"],
            "replicationFactor": found["ReplicationFactor"],
            "configs": found.get("Configs", ""),
            "status": status,
        }


def _place(path: str, body: dict[str, Any]) -> tuple[str, str]:
    parts = path.split("/")  # /v1/clusters/<arn>/topics[/<name>]
    assert parts[:3] == ["", "v1", "clusters"]
    assert parts[4] == "topics"
    name = unquote(parts[5]) if len(parts) > 5 else body["topicName"]
    return unquote(parts[3]), name


def _upper(name: str) -> str:
    return name[0].upper() + name[1:]


@contextmanager
def served() -> Iterator[Topics]:
    """The API on a free port."""
    state = Topics()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            status, answer, code = state.answer(self.command, self.path, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            if code:
                self.send_header("x-amzn-ErrorType", code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815 - names of the base class

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
