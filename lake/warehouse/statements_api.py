"""Redshift's Data API as calls that end: submitted once, retried when it is busy, polled to the end, paged.

The API is asynchronous and may be asked from anywhere; what it says, it says in `DescribeStatement`.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from lake.warehouse.again import pause_before
from lake.warehouse.messages import without_values
from lake.warehouse.port import LOST, ConnectionLostError, Parameters, QueryResult, Value, WarehouseError

LONGEST_STATEMENT: Final = 100_000
"""Bytes: Redshift's limit for a statement sent by the Data API."""

KEEP_ALIVE_SECONDS: Final = 180
"""How long a session outlives its last statement: also how long a killed loader's locks may last."""

_WAIT_SECONDS: Final = 20
_MOST_SUBMITS: Final = 12
_BUSY: Final = frozenset(
    {
        "ActiveSessionsExceededException",
        "ActiveStatementsExceededException",
        "ActiveWaitingRequestsExceededException",
        "InternalServerException",
        "RequestLimitExceeded",
        "ServiceUnavailableException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_BUSY_SESSION: Final = re.compile(r"session.*\bbusy\b", re.IGNORECASE)
_ENDED: Final = frozenset({"FINISHED", "FAILED", "ABORTED"})
_CLOSED: Final = ("paused", "not available", "unavailable")
_CREDENTIALS: Final = frozenset(
    {"AccessDeniedException", "ExpiredTokenException", "InvalidSignatureException", "UnrecognizedClientException"}
)


class StatementFailedError(Exception):
    """A statement ended otherwise than finished; `done` is what the API says of it."""

    def __init__(self, done: Ended) -> None:
        self.done = done
        super().__init__(done.status)


@dataclass(frozen=True)
class Target:
    """The warehouse and who asks: what a call outside a session names.

    Args:
        request: `WorkgroupName` or `ClusterIdentifier`, `Database`, and `DbUser` or `SecretArn` where given.
        name: as errors show it.
        resume: what to do when it does not take statements.
    """

    request: Mapping[str, str]
    name: str
    resume: str


@dataclass(frozen=True)
class Ended:
    """A statement that ended: `rows` written or given (-1: not known), and by which session and backend."""

    id: str
    status: str
    error: str
    rows: int
    session: str
    pid: int
    query: int


@dataclass
class StatementsApi:
    """The calls, with one warehouse.

    Args:
        client: boto3's `redshift-data`; its own retries cover throttling and the network.
        target: the warehouse.
        sleep: waits for some seconds.
    """

    client: Any
    target: Target
    sleep: Callable[[float], object] = time.sleep
    _waits: bool = field(init=False)

    def __post_init__(self) -> None:
        # Releases of boto3 before 2026 do not know it; then pauses grow.
        model = self.client.meta.service_model.operation_model("DescribeStatement")
        self._waits = "WaitTimeSeconds" in model.input_shape.members

    def run(self, sql: str, parameters: Parameters, *, session: str | None = None, where: str) -> Ended:
        """One statement, to its end.

        Args:
            sql: Redshift's text; `:name` is a parameter.
            parameters: their values.
            session: a session's id; the empty text opens one, None runs the statement alone.
            where: as errors name the statement.

        Raises:
            StatementFailedError: it failed, or was stopped.
            ConnectionLostError: the session is gone.
            WarehouseError: the API refused it.
        """
        if len(sql.encode()) > LONGEST_STATEMENT:
            what = f"the statement has {len(sql.encode())} bytes, the Data API takes {LONGEST_STATEMENT}"
            raise WarehouseError(what, where=where, remedy="load by another way to the warehouse: redshift://…")
        request = {"Sql": sql, "ClientToken": str(uuid.uuid4()), **self._place(session)}
        if parameters:
            request["Parameters"] = [{"name": name, "value": _text(name, parameters[name])} for name in parameters]
        submitted = self._call("execute_statement", request, where)
        done = self._ended(str(submitted["Id"]), str(submitted.get("SessionId", "")), where)
        if done.status != "FINISHED":
            raise StatementFailedError(done)
        return done

    def rows(self, statement: str, where: str) -> QueryResult:
        """All pages of a statement's result."""
        request: dict[str, Any] = {"Id": statement}
        columns: tuple[dict[str, Any], ...] = ()
        rows: list[tuple[Any, ...]] = []
        while True:
            page = self._call("get_statement_result", request, where)
            columns = columns or tuple(page["ColumnMetadata"])
            kinds = [str(column.get("typeName", "")) for column in columns]
            rows += [tuple(map(_value, record, kinds)) for record in page["Records"]]
            if not page.get("NextToken"):
                return QueryResult(tuple(str(column.get("label") or column["name"]) for column in columns), tuple(rows))
            request["NextToken"] = page["NextToken"]

    def _place(self, session: str | None) -> dict[str, Any]:
        if session:
            return {"SessionId": session}
        alive = {} if session is None else {"SessionKeepAliveSeconds": KEEP_ALIVE_SECONDS}
        return {**self.target.request, **alive}

    def _ended(self, statement: str, session: str, where: str) -> Ended:
        """Polls; a statement that nobody waits for any more is stopped, unless it is the API that does not answer."""
        asked = 1
        try:
            while (told := self._told(statement, where))["Status"] not in _ENDED:
                asked += 1
                if not self._waits:
                    self.sleep(pause_before(asked))
        except BaseException as error:
            if not isinstance(error, WarehouseError):
                self._stop(statement)
            raise
        return Ended(
            id=statement,
            status=str(told["Status"]),
            error=str(told.get("Error", "")),
            rows=int(told.get("ResultRows", -1)),
            session=str(told.get("SessionId") or session),
            pid=int(told.get("RedshiftPid", 0)),
            query=int(told.get("RedshiftQueryId", 0)),
        )

    def _told(self, statement: str, where: str) -> dict[str, Any]:
        wait = {"WaitTimeSeconds": _WAIT_SECONDS} if self._waits else {}
        return self._call("describe_statement", {"Id": statement, **wait}, where)

    def _stop(self, statement: str) -> None:
        try:
            self.client.cancel_statement(Id=statement)
        except (ClientError, BotoCoreError):
            return

    def _call(self, operation: str, request: Mapping[str, Any], where: str) -> dict[str, Any]:
        """One call, again while the API is busy; a submit keeps its token, so it runs once."""
        for run in range(2, _MOST_SUBMITS + 2):
            try:
                answer: dict[str, Any] = getattr(self.client, operation)(**request)
            except ClientError as error:
                told = error.response.get("Error", {})
                code, message = str(told.get("Code", "")), str(told.get("Message", ""))
                if run > _MOST_SUBMITS or not (code in _BUSY or _BUSY_SESSION.search(message)):
                    raise self._refused(code, message, where) from None
                self.sleep(pause_before(run))
            except (NoCredentialsError, PartialCredentialsError):
                what, remedy = "there are no AWS credentials", "set AWS_PROFILE, or run where a role is given"
                raise WarehouseError(what, where=self.target.name, remedy=remedy) from None
            except BotoCoreError as error:
                what = f"the Data API does not answer ({type(error).__name__})"
                raise ConnectionLostError(what, where=where, remedy=LOST) from None
            else:
                return answer
        raise AssertionError("the last run raises")

    def _refused(self, code: str, message: str, where: str) -> WarehouseError:
        name, low = self.target.name, message.lower()
        if "session" in low and code in ("ValidationException", "ResourceNotFoundException"):
            return ConnectionLostError("the session with the warehouse ended", where=where, remedy=LOST)
        if code in _CREDENTIALS:
            what, remedy = f"AWS refuses the call ({code})", "allow this identity the Data API and the database"
        elif any(sign in low for sign in _CLOSED):
            what, remedy = "the warehouse does not take statements now", self.target.resume
        elif code == "ResourceNotFoundException" or "doesn't exist" in low:
            what, remedy = "there is no such warehouse", "check its name, the account and the region"
        elif code in _BUSY:
            what, remedy = f"the Data API stays busy ({code})", "run it again later"
        else:
            what, remedy = f"the Data API refuses the call: {without_values(message)} ({code})", "check the address"
        return WarehouseError(what, where=name, remedy=remedy)


def _text(name: str, value: Value) -> str:
    """A parameter as the API takes it: a text, which Redshift turns into the type that the statement asks for."""
    if value is None or value == "":
        what = f"the Data API takes no empty value, as of {name}"
        raise WarehouseError(what, where="parameters", remedy="load by another way to the warehouse: redshift://…")
    return str(value)


def _value(field_: Mapping[str, Any], kind: str) -> Any:
    """A field as the Python object that every executor gives for its type."""
    if field_.get("isNull"):
        return None
    (value,) = field_.values()
    if not isinstance(value, str):
        return value
    if kind in ("numeric", "decimal"):
        return Decimal(value)
    if kind in ("timestamp", "timestamptz"):
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if kind == "date" else value
