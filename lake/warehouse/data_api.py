"""A warehouse on Amazon Redshift by its Data API: HTTPS and IAM, no driver and no network path to the database.

A load keeps one session of the API, in which its temporary tables and its transaction live. Sessions and statements:
https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import parse_qs, unquote, urlparse

from lake.store import Store
from lake.warehouse.amazon import COPIED, LOAD_ERRORS, copy_text, failed, load_error, refuse_writing
from lake.warehouse.port import LOST, ConnectionLostError, Parameters, QueryResult, WarehouseError
from lake.warehouse.statements_api import Ended, StatementFailedError, StatementsApi, Target
from redshift_sql.statements import Statement

ADDRESS: Final = (
    "redshift-data://workgroup/<name>/<database> or redshift-data://cluster/<id>/<database>, "
    "with ?user=, ?secret= (an ARN) and &region= where needed"
)
_KEYS: Final = {"user": "DbUser", "secret": "SecretArn"}


@dataclass
class DataApiWarehouse:
    """A session with Redshift by its Data API.

    Args:
        api: the calls.
        store: of the pipeline's lake, on S3.
        copy_role: the IAM role that COPY reads load files with.
    """

    api: StatementsApi
    store: Store
    copy_role: str = ""
    _session: str = field(default="", init=False)
    _inside: bool = field(default=False, init=False)

    @classmethod
    def open(cls, uri: str, store: Store, *, copy_role: str = "", client: Any = None) -> Self:
        """Nothing is asked yet: the first statement opens the session.

        Args:
            uri: see `ADDRESS`.
            store: of the pipeline's lake.
            copy_role: ARN of the role for COPY, or `default`.
            client: boto3's `redshift-data`; made from the environment when None.

        Raises:
            WarehouseError: it is no such address.
        """
        target, region = parsed(uri)
        return cls(StatementsApi(client or _client(region), target), store, copy_role)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """As the port says."""
        self._begin()
        self._inside = True
        try:
            yield
            self._run("commit", {}, "the warehouse, at the commit")
        except BaseException:
            self._rollback()
            raise
        finally:
            self._inside = False

    def execute(self, statement: Statement, parameters: Parameters) -> int:
        """As the port says."""
        rows = self._statement(statement, parameters).rows
        if rows < 0 and statement.source.endswith(".repeat.sql"):
            what = "the Data API does not say how many rows were written, which the next round depends on"
            raise WarehouseError(
                what, where=statement.where, remedy="load by another way to the warehouse: redshift://…"
            )
        return max(rows, 0)

    def ask(self, statement: Statement, parameters: Parameters) -> QueryResult:
        """As the port says."""
        return self.api.rows(self._statement(statement, parameters).id, statement.where)

    def copy(self, statement: Statement, manifest: str) -> int:
        """As the port says; Redshift itself reads the manifest, and says what it loaded."""
        sql = copy_text(statement, self.store, manifest, self.copy_role)
        try:
            self._session = self.api.run(sql, {}, session=self._session, where=statement.where).session
        except StatementFailedError as error:
            raise failed(statement.where, error.done.error, self._load_errors(error.done)) from None
        return int(self.api.rows(self._run(COPIED, {}, statement.where).id, statement.where).rows[0][0])

    def query(self, sql: str) -> QueryResult:
        """As the port says."""
        refuse_writing(sql)
        if self._inside:
            return self._asked(sql)
        self._begin("begin read only")
        try:
            return self._asked(sql)
        finally:
            self._rollback()

    def close(self) -> None:
        """As the port says. A session has no end of its own: it is told to outlive nothing."""
        if self._session:
            with suppress(Exception):
                self.api.client.execute_statement(Sql="select 1", SessionId=self._session, SessionKeepAliveSeconds=0)
            self._session = ""

    def _asked(self, sql: str) -> QueryResult:
        where = "lake sql"
        return self.api.rows(self._run(sql, {}, where).id, where)

    def _begin(self, sql: str = "begin") -> None:
        try:
            self._run(sql, {}, "the warehouse")
        except ConnectionLostError:
            if not self._session:
                raise
            # It was idle for too long. Nothing was begun in it.
            self._session = ""
            self._run(sql, {}, "the warehouse")

    def _rollback(self) -> None:
        with suppress(WarehouseError):
            self._run("rollback", {}, "the warehouse")

    def _statement(self, statement: Statement, parameters: Parameters) -> Ended:
        return self._run(statement.sql, {name: parameters[name] for name in statement.parameters}, statement.where)

    def _run(self, sql: str, parameters: Parameters, where: str) -> Ended:
        try:
            done = self.api.run(sql, parameters, session=self._session, where=where)
        except StatementFailedError as error:
            self._session = error.done.session
            if error.done.status == "ABORTED":
                what, remedy = "the statement was stopped", "nothing was written; see who stopped it, and run again"
                raise WarehouseError(what, where=where, remedy=remedy) from None
            raise failed(where, error.done.error) from None
        if not done.session:
            # Without one, the next statement would stand in no transaction.
            raise ConnectionLostError("the Data API gave no session", where=where, remedy=LOST)
        self._session = done.session
        return done

    def _load_errors(self, done: Ended) -> list[str]:
        """Asked outside the session, whose transaction takes no statement any more."""
        if not done.query:
            return []
        where = "sys_load_error_detail"
        try:
            told = self.api.run(LOAD_ERRORS.format(by="query_id"), {"id": done.query}, where=where)
            return [load_error(row) for row in self.api.rows(told.id, where).rows]
        except (StatementFailedError, WarehouseError):
            return []


def parsed(uri: str) -> tuple[Target, str | None]:
    """An address as what the API is told, and the region.

    Raises:
        WarehouseError: it is no address of this kind.
    """
    url = urlparse(uri)
    options = {key: values[-1] for key, values in parse_qs(url.query).items()}
    name, _, database = url.path.lstrip("/").partition("/")
    unknown = sorted(options.keys() - {*_KEYS, "region"})
    if url.netloc not in ("workgroup", "cluster") or not name or not database or "/" in database or unknown:
        raise WarehouseError("not the address of a warehouse", where=uri.split("?", 1)[0], remedy=f"write {ADDRESS}")
    kind = "WorkgroupName" if url.netloc == "workgroup" else "ClusterIdentifier"
    given = {_KEYS[key]: value for key, value in options.items() if key in _KEYS}
    request = {kind: unquote(name), "Database": unquote(database), **given}
    resume = (
        f"resume it: aws redshift resume-cluster --cluster-identifier {name}; then run again"
        if url.netloc == "cluster"
        else "see the workgroup's state and its usage limits; then run again"
    )
    return Target(request, f"{url.netloc} {name}", resume), options.get("region")


def _client(region: str | None) -> Any:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import NoRegionError

    config = Config(retries={"mode": "standard", "max_attempts": 8}, read_timeout=60)
    try:
        return boto3.client("redshift-data", region_name=region, config=config)
    except NoRegionError:
        what, remedy = "no AWS region is given", "add ?region=… to the address, or set AWS_REGION"
        raise WarehouseError(what, where="redshift-data", remedy=remedy) from None
