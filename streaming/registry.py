"""Schema registries behind one port: Confluent's HTTP API (Apicurio has it too) and Glue Schema Registry.

A registry answers three ways: the schema; "there is none" (`None`, final for the record); or not at all
(`RegistryUnavailableError`: nobody's fault but the network's, so the asker waits and loses nothing).
"""

from __future__ import annotations

import json
import logging
import time
import urllib.error
import urllib.request
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

from schemas.errors import LakeError
from schemas.writer import LARGEST_SCHEMA

log = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final = 10.0
UNKNOWN_ID_CODE: Final = 40403
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
FORGET_ABSENT_SECONDS: Final = 300.0
_LARGEST_ANSWER: Final = 2 * LARGEST_SCHEMA
"""Bytes; a schema's quotation marks are escaped in the answer."""


class RegistryUnavailableError(LakeError):
    """The registry gave no answer that decides about a schema."""


class StoppedError(Exception):
    """The job was asked to end while it waited."""


class Registry(Protocol):
    """Where writer schemas come from."""

    @property
    def name(self) -> str:
        """Address for messages, without credentials."""

    def schema(self, schema_id: str) -> str | None:
        """Avro schema text; `None` when the registry states that it does not hold the id.

        Raises:
            RegistryUnavailableError: no answer, or none that decides.
        """


@dataclass(frozen=True)
class ConfluentRegistry:
    """`GET {url}/schemas/ids/{id}`.

    `url` may hold `user:password@`; it is sent as basic authentication and appears in no message.
    """

    url: str
    timeout: float = TIMEOUT_SECONDS

    @property
    def name(self) -> str:
        """The URL without credentials."""
        scheme, _, rest = self.url.rstrip("/").partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"

    def schema(self, schema_id: str) -> str | None:
        """See `Registry.schema`."""
        if not schema_id.isdecimal():
            return None
        status, raw = self._get(f"{self.name}/schemas/ids/{schema_id}")
        if status == 200 and len(raw) > _LARGEST_ANSWER:
            return raw.decode("utf-8", "replace")  # too long a text is a schema that nobody can use, not an outage
        body = _json(raw)
        if status == 200 and isinstance(body, dict) and isinstance(body.get("schema"), str):
            kind = body.get("schemaType", "AVRO")
            text: str = body["schema"]
            return text if kind == "AVRO" else json.dumps({"type": kind})
        if status == 404 and isinstance(body, dict) and body.get("error_code") in (UNKNOWN_ID_CODE, 404):
            return None
        raise self._unavailable(f"answered HTTP {status} to a schema look-up")

    def _get(self, url: str) -> tuple[int, bytes]:
        request = urllib.request.Request(url, headers=self._headers())
        if request.type not in ("http", "https"):
            raise LakeError("is not an http(s) URL", where=self.name, remedy="correct the registry's address")
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:
                return response.status, response.read(_LARGEST_ANSWER + 1)
        except urllib.error.HTTPError as error:
            return error.code, error.read(_LARGEST_ANSWER + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise self._unavailable(f"does not answer ({type(reason).__name__})") from error

    def _headers(self) -> dict[str, str]:
        parts = urlsplit(self.url)
        headers = {"Accept": "application/vnd.schemaregistry.v1+json, application/json"}
        if parts.username:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        return headers

    def _unavailable(self, what: str) -> RegistryUnavailableError:
        remedy = "start it, or correct its address; records wait meanwhile, none is lost"
        return RegistryUnavailableError(f"schema registry {what}", where=self.name, remedy=remedy)


@dataclass(frozen=True)
class GlueRegistry:
    """Glue Schema Registry, by schema version UUID."""

    region: str | None = None
    client: Any = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        """Region of the registry."""
        return f"glue:{self.region or 'default'}"

    def __post_init__(self) -> None:
        if self.client is None:
            import boto3

            object.__setattr__(self, "client", boto3.client("glue", region_name=self.region))

    def schema(self, schema_id: str) -> str | None:
        """See `Registry.schema`."""
        from botocore.exceptions import BotoCoreError, ClientError

        if not is_uuid(schema_id):
            return None
        try:
            answer = self.client.get_schema_version(SchemaVersionId=schema_id)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code == "EntityNotFoundException":
                return None
            raise self._unavailable(code) from error
        except BotoCoreError as error:
            raise self._unavailable(type(error).__name__) from error
        if answer.get("DataFormat") != "AVRO":
            return json.dumps({"type": answer.get("DataFormat")})
        text: str = answer["SchemaDefinition"]
        return text

    def _unavailable(self, code: str) -> RegistryUnavailableError:
        remedy = "check network and the permission glue:GetSchemaVersion; records wait meanwhile, none is lost"
        return RegistryUnavailableError(f"Glue Schema Registry failed ({code})", where=self.name, remedy=remedy)


def registry_for(address: str) -> Registry:
    """The registry at `http(s)://…` or `glue` / `glue:<region>`.

    Raises:
        LakeError: neither.
    """
    if address == "glue" or address.startswith("glue:"):
        return GlueRegistry(address.partition(":")[2] or None)
    if address.startswith(("http://", "https://")):
        return ConfluentRegistry(address)
    remedy = "give http(s)://host:port/… or glue:<region>"
    raise LakeError("is not the address of a schema registry", where=address, remedy=remedy)


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID in its usual form."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


@dataclass
class SchemaCache:
    """Writer schema texts by id, asked for once each; waits through an outage.

    `patience` is how many seconds one outage may last (none: for ever); `stopping` is asked while waiting.
    """

    registry: Registry
    patience: float | None = None
    stopping: Callable[[], bool] = lambda: False
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    known: dict[str, str] = field(default_factory=dict)
    absent: dict[str, float] = field(default_factory=dict)

    def texts(self, ids: Iterable[str]) -> dict[str, str | None]:
        """Schema text by id; `None` for an id the registry does not hold.

        Raises:
            RegistryUnavailableError: the outage outlasted the patience.
            StoppedError: the job was asked to end meanwhile.
        """
        wanted = sorted(set(ids))
        unknown = [i for i in wanted if i not in self.known and not self._recently_absent(i)]
        if unknown:
            with ThreadPoolExecutor(max_workers=min(8, len(unknown))) as pool:
                for schema_id, text in zip(unknown, pool.map(self._ask, unknown), strict=True):
                    self._remember(schema_id, text)
        return {i: self.known.get(i) for i in wanted}

    def _remember(self, schema_id: str, text: str | None) -> None:
        if text is None:
            self.absent[schema_id] = self.clock()
        else:
            self.known[schema_id] = text

    def _recently_absent(self, schema_id: str) -> bool:
        asked = self.absent.get(schema_id)
        return asked is not None and self.clock() - asked < FORGET_ABSENT_SECONDS

    def _ask(self, schema_id: str) -> str | None:
        began, pause = self.clock(), FIRST_PAUSE
        while True:
            try:
                return self.registry.schema(schema_id)
            except RegistryUnavailableError as error:
                if self.patience is not None and self.clock() - began + pause > self.patience:
                    raise
                log.warning("%s; batch waits for schema %s, next try in %.1f s", error.what, schema_id, pause)
            self._pause(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _pause(self, seconds: float) -> None:
        until = self.clock() + seconds
        while self.clock() < until:
            if self.stopping():
                raise StoppedError
            self.sleep(min(0.2, max(0.0, until - self.clock())))


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
