"""The API itself: HTTP with AWS JSON 1.1, statements that live for a while, sessions, faults on demand."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import boto3
import botocore.session
from botocore.validate import ParamValidator

from tests.support.redshift_data.database import SETUP, Database, RefusedError, Result, sequence

MODEL: Final = botocore.session.get_session().get_service_model("redshift-data")
MOST_STATEMENTS: Final = 40
_PLACES: Final = ("WorkgroupName", "ClusterIdentifier")
_EARLY: Final = ("SUBMITTED", "PICKED", "STARTED")


class ApiError(Exception):
    """An answer with an error code."""

    def __init__(self, code: str, message: str, **more: str) -> None:
        self.body = {"__type": code, "Message": message, **more}
        super().__init__(message)


@dataclass
class Fault:
    """What goes wrong with the next calls of an operation.

    `code` and `message` are answered in place of the answer; with `lost` the call is carried out and its answer never
    comes.
    """

    operation: str
    code: str = ""
    message: str = ""
    lost: bool = False
    times: int = 1


@dataclass
class _Session:
    id: str
    database: Database
    alive_seconds: int
    busy: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class _Running:
    """A statement, or a batch: what DescribeStatement tells."""

    id: str
    sqls: tuple[str, ...]
    request: Mapping[str, Any]
    query: int
    session: str = ""
    pid: int = 0
    status: str = "SUBMITTED"
    error: str = ""
    results: list[Result] = field(default_factory=list)
    told: int = 0
    ended: threading.Event = field(default_factory=threading.Event)


@dataclass
class Emulator:
    """The state behind the endpoint.

    Args:
        uri: the PostgreSQL database that plays the warehouse.
        page_size: rows in a page of a result.
        paused: no statement is taken.
        tells_rows: whether DescribeStatement knows how many rows a statement touched.
        failures: errors of the next statements whose text holds a key, each once.
        early: how many times DescribeStatement tells SUBMITTED, PICKED, STARTED of each statement before its end.
    """

    uri: str
    page_size: int = 1000
    early: int = 0
    paused: bool = False
    tells_rows: bool = True
    faults: list[Fault] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    endpoint: str = ""
    _statements: dict[str, _Running] = field(default_factory=dict)
    _sessions: dict[str, _Session] = field(default_factory=dict)
    _tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def client(self, **config: Any) -> Any:
        """An unmodified boto3 client of this endpoint."""
        from botocore.config import Config

        return boto3.client(
            "redshift-data",
            endpoint_url=self.endpoint,
            region_name="eu-west-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(retries={"mode": "standard", "max_attempts": 2}, **config),
        )

    def end_sessions(self) -> None:
        """Every session was idle for too long."""
        with self._lock:
            for session in self._sessions.values():
                session.database.close()
            self._sessions.clear()

    def close(self) -> None:
        """The end of the warehouse."""
        self.end_sessions()

    def answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """One call.

        Raises:
            ApiError: the API refuses it.
            ConnectionAbortedError: its answer is lost.
        """
        fault = self._fault(operation)
        if fault is not None and not fault.lost:
            raise ApiError(fault.code, fault.message)
        self._validate(operation, request)
        handler = {
            "ExecuteStatement": self._execute,
            "BatchExecuteStatement": self._batch,
            "DescribeStatement": self._describe,
            "GetStatementResult": self._result,
            "CancelStatement": self._cancel,
        }.get(operation)
        if handler is None:
            raise ApiError("ValidationException", f"{operation} is not emulated")
        response = handler(request)
        self.calls.append((operation, request, response))
        if fault is not None:
            raise ConnectionAbortedError
        return response

    def _fault(self, operation: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.operation == operation:
                    fault.times -= 1
                    if not fault.times:
                        self.faults.remove(fault)
                    return fault
        return None

    def _validate(self, operation: str, request: dict[str, Any]) -> None:
        shape = MODEL.operation_model(operation).input_shape
        assert shape is not None
        report = ParamValidator().validate(request, shape)
        unknown = request.keys() - shape.members.keys()
        if report.has_errors() or unknown:
            raise ApiError("ValidationException", f"{report.generate_report()} {sorted(unknown)}")

    def _execute(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._submit(request, (request["Sql"],))

    def _batch(self, request: dict[str, Any]) -> dict[str, Any]:
        if len(request["Sqls"]) > MOST_STATEMENTS:
            raise ApiError("ValidationException", f"at most {MOST_STATEMENTS} statements")
        return self._submit(request, tuple(request["Sqls"]))

    def _submit(self, request: dict[str, Any], sqls: tuple[str, ...]) -> dict[str, Any]:
        if self.paused:
            raise ApiError("ValidationException", "The cluster is paused and is not available.")
        if any(len(sql.encode()) > 100_000 for sql in sqls):
            raise ApiError("ValidationException", "Cannot process query string larger than 100kB")
        with self._lock:
            known = self._tokens.get(request["ClientToken"])
            if known is not None:
                return known
            session = self._session(request)
            running = _Running(str(uuid.uuid4()), sqls, request, query=1000 + len(self._statements))
            running.session = session.id if session else ""
            self._statements[running.id] = running
            response = {"Id": running.id, "CreatedAt": time.time(), **_echoed(request)}
            if session:
                response["SessionId"] = session.id
            self._tokens[request["ClientToken"]] = response
        threading.Thread(target=self._run, args=(running, session), daemon=True).start()
        return response

    def _session(self, request: dict[str, Any]) -> _Session | None:
        places = [name for name in _PLACES if name in request]
        if "SessionId" in request:
            if places or "Database" in request:
                raise ApiError("ValidationException", "SessionId cannot be given with a warehouse or database")
            session = self._sessions.get(request["SessionId"])
            if session is None:
                raise ApiError("ValidationException", "Session does not exist or has expired.")
            if not session.busy.acquire(blocking=False):
                raise ApiError("ValidationException", "Session is busy with another statement.")
            if "SessionKeepAliveSeconds" in request:
                session.alive_seconds = request["SessionKeepAliveSeconds"]
            return session
        if len(places) != 1 or "Database" not in request:
            raise ApiError("ValidationException", "one of WorkgroupName and ClusterIdentifier, and a Database")
        if request[places[0]] == "nothing":
            raise ApiError("ResourceNotFoundException", "no such warehouse", ResourceId="nothing")
        if "SessionKeepAliveSeconds" not in request:
            return None
        session = _Session(str(uuid.uuid4()), Database.open(self.uri), request["SessionKeepAliveSeconds"])
        session.busy.acquire()
        self._sessions[session.id] = session
        return session

    def _run(self, running: _Running, session: _Session | None) -> None:
        database = session.database if session else Database.open(self.uri)
        running.pid = database.pid
        given = {item["name"]: item["value"] for item in running.request.get("Parameters", ())}
        try:
            if len(running.sqls) > 1:
                database.run("begin", {}, 0)
            for sql in running.sqls:
                self._fail(sql, database)
                parameters = {name: text for name, text in given.items() if f":{name}" in sql}
                running.results.append(database.run(sql, parameters, running.query))
            if len(running.sqls) > 1:
                database.run("commit", {}, 0)
            running.status = "FINISHED"
        except RefusedError as error:
            running.status, running.error = "FAILED", str(error)
            if len(running.sqls) > 1:
                database.run("rollback", {}, 0)
        finally:
            if session is None:
                database.close()
            else:
                session.busy.release()
                if session.alive_seconds == 0:
                    self._sessions.pop(session.id, None)
                    database.close()
            running.ended.set()

    def _fail(self, sql: str, database: Database) -> None:
        for part, error in list(self.failures.items()):
            if part in sql:
                del self.failures[part]
                database.spoil()
                raise RefusedError(error)

    def _describe(self, request: dict[str, Any]) -> dict[str, Any]:
        running = self._known(request)
        if running.told < self.early:
            status = _EARLY[min(running.told, len(_EARLY) - 1)]
            running.told += 1
            return {"Id": running.id, "Status": status, "CreatedAt": time.time(), "UpdatedAt": time.time(),
                    "ResultRows": -1, "ResultSize": -1, "HasResultSet": False}  # fmt: skip
        running.ended.wait(request.get("WaitTimeSeconds", 0))
        last = running.results[-1] if running.results else None
        told: dict[str, Any] = {
            "Id": running.id,
            "Status": running.status if running.ended.is_set() else "STARTED",
            "CreatedAt": time.time(),
            "UpdatedAt": time.time(),
            "Duration": 1,
            "RedshiftPid": running.pid,
            "RedshiftQueryId": running.query,
            "ResultRows": last.rows if last and self.tells_rows else -1,
            "ResultSize": 0 if last else -1,
            "HasResultSet": bool(last and last.records is not None),
            "QueryString": running.sqls[0],
            **_echoed(running.request),
        }
        if running.session:
            told["SessionId"] = running.session
        if running.error and running.ended.is_set():
            told["Error"] = running.error
        if len(running.sqls) > 1:
            told["SubStatements"] = [
                {"Id": f"{running.id}:{number}", "Status": "FINISHED", "QueryString": sql, "ResultRows": result.rows,
                 "HasResultSet": result.records is not None}
                for number, (sql, result) in enumerate(zip(running.sqls, running.results, strict=False), 1)
            ]  # fmt: skip
        return told

    def _result(self, request: dict[str, Any]) -> dict[str, Any]:
        running = self._known(request)
        number = int(request["Id"].partition(":")[2] or len(running.results))
        if running.status != "FINISHED" or not running.results or running.results[number - 1].records is None:
            raise ApiError("ResourceNotFoundException", "Query does not have result.", ResourceId=running.id)
        result = running.results[number - 1]
        pages = sequence(result.records or (), self.page_size)
        place = int(request.get("NextToken", "0"))
        response = {"Records": pages[place], "ColumnMetadata": result.columns, "TotalNumRows": result.rows}
        return {**response, "NextToken": str(place + 1)} if place + 1 < len(pages) else response

    def _cancel(self, request: dict[str, Any]) -> dict[str, Any]:
        running = self._known(request)
        if running.ended.is_set():
            raise ApiError("ValidationException", "Could not cancel a query that is already in FINISHED state")
        session = self._sessions.get(running.session)
        assert session is not None, "only statements of a session are stopped"
        while not running.ended.wait(0.05):  # the server may not have begun with it
            session.database.connection.cancel_safe()
        running.status, running.error = "ABORTED", ""
        return {"Status": True}

    def _known(self, request: dict[str, Any]) -> _Running:
        running = self._statements.get(request["Id"].partition(":")[0])
        if running is None:
            raise ApiError("ResourceNotFoundException", "Query does not exist.", ResourceId=request["Id"])
        return running


def _echoed(request: Mapping[str, Any]) -> dict[str, Any]:
    names = (*_PLACES, "Database", "DbUser", "SecretArn")
    return {name: request[name] for name in names if name in request}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer is one packet, sent at once.
    wbufsize = -1
    disable_nagle_algorithm = True
    emulator: Emulator

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        target = self.headers["X-Amz-Target"]
        assert self.headers["Content-Type"] == "application/x-amz-json-1.1"
        try:
            self._send(200, self.emulator.answer(target.removeprefix("RedshiftData."), json.loads(body)))
        except ApiError as error:
            self._send(500 if error.body["__type"] == "InternalServerException" else 400, error.body)
        except ConnectionAbortedError:
            self.close_connection = True

    def _send(self, code: int, document: object) -> None:
        data = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing of it belongs in a test's output."""


@contextmanager
def emulated(uri: str) -> Iterator[Emulator]:
    """The API before a PostgreSQL database, for as long as the block runs."""
    emulator = Emulator(uri)
    setup = Database.open(uri)
    setup.connection.execute(SETUP.encode())
    setup.close()
    handler = type("Handler", (_Handler,), {"emulator": emulator})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        emulator.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield emulator
        finally:
            server.shutdown()
            emulator.close()
