"""The function's entry: Redshift's batch interface for Lambda UDFs.

In: `{"request_id", "cluster", "user", "database", "external_function", "query_id", "num_records", "arguments"}`, one
`[table, key, value]` per record, key and value in base64. Out: JSON text of `{"success", "num_records", "results"}`, a
JSON text per record, in order; or `{"success": false, "error_msg"}`, which fails the query and loses nothing
(https://docs.aws.amazon.com/redshift/latest/dg/udf-creating-a-lambda-sql-udf.html).

A record that gives no change has its reason as its result. Only what says nothing about the records (the registry does
not answer, the request is none) fails the batch.
"""

from __future__ import annotations

import binascii
import json
import logging
import os
import traceback
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from schemas.errors import LakeError
from schemas.streamed import ENCODED_BYTES, RESPONSE_BYTES, RESULT_BYTES, StreamedContract
from streaming.registry import RegistryUnavailableError, registry_for
from streaming.udf.changes import change
from streaming.udf.faults import Fault, FaultError
from streaming.udf.schema_cache import SchemaCache

log = logging.getLogger(__name__)

REGISTRY: Final = "LAKE_REGISTRY"
"""Environment: the registry's address, as `streaming.registry.registry_for` takes it."""
CONTRACTS: Final = "contracts.json"


@dataclass(frozen=True)
class Decoder:
    """Contracts by table, and where writer schemas come from."""

    contracts: Mapping[str, StreamedContract]
    schemas: SchemaCache

    def result(self, arguments: Any) -> str:
        """One record's result: its change, or the reason why it gives none, as JSON text.

        Raises:
            RegistryUnavailableError: the registry does not answer.
        """
        contract: StreamedContract | None = None
        found: dict[str, Any] = {}
        try:
            table, key, value = _arguments(arguments)
            contract = self.contracts.get(table)
            if contract is None:
                raise FaultError(Fault.UNKNOWN_TABLE)
            found = change(contract, key, value, self.schemas.writer)
            return _text(contract, found)
        except FaultError as error:
            return _text(contract, _faulty(found, error.reason, error.detail))
        except RegistryUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours must not stop the records around it
            # Neither message nor traceback: they may hold values of the record.
            log.error("a record was not decoded: %s", _place_of(error))
            return _text(contract, _faulty({}, Fault.INTERNAL, type(error).__name__))


def handler(event: Mapping[str, Any], _context: object = None) -> str:
    """The Lambda function's entry."""
    return json.dumps(answer(event, _decoder))


def answer(event: Mapping[str, Any], decoder: Callable[[], Decoder]) -> dict[str, Any]:
    """The response to a request.

    Args:
        event: the request.
        decoder: gives the `Decoder`; called once a batch.
    """
    try:
        rows = _rows(event)
        decode = decoder()
        results = [decode.result(row) for row in rows]
    except LakeError as error:
        return {"success": False, "error_msg": str(error)[:1000]}
    response = {"success": True, "num_records": len(results), "results": results}
    size = len(json.dumps(json.dumps(response)))
    if size > RESPONSE_BYTES:
        what = f"the response of {len(results)} rows has {size} bytes, a Lambda response holds {RESPONSE_BYTES}"
        return {"success": False, "error_msg": f"{what}\n  remedy: lower the function's MAX_BATCH_ROWS"}
    return response


def load_contracts(text: str) -> dict[str, StreamedContract]:
    """Contracts by table, from the package's `contracts.json`.

    Raises:
        ContractError: the text is none.
    """
    found = (StreamedContract.from_json(item) for item in json.loads(text))
    return {contract.table: contract for contract in found}


@cache
def _decoder() -> Decoder:
    """Made once for each process; AWS Lambda keeps it between invocations."""
    address = os.environ.get(REGISTRY, "")
    if not address:
        raise LakeError(
            f"{REGISTRY} is not set", where="the function's environment", remedy="give the registry's address"
        )
    text = resources.files(__package__).joinpath(CONTRACTS).read_text(encoding="utf-8")
    return Decoder(load_contracts(text), SchemaCache(registry_for(address)))


def _rows(event: Mapping[str, Any]) -> Sequence[Any]:
    rows = event.get("arguments")
    if not isinstance(rows, list) or event.get("num_records", len(rows)) != len(rows):
        what = "the request holds no arguments, or not as many as it says"
        raise LakeError(what, where="the function's request", remedy="call it from Redshift, as an external function")
    return rows


def _arguments(arguments: Any) -> tuple[str, bytes | None, bytes | None]:
    if not isinstance(arguments, list) or len(arguments) != 3 or not isinstance(arguments[0], str):
        raise FaultError(Fault.ARGUMENTS, "not table, key and value")
    return arguments[0], _bytes(arguments[1]), _bytes(arguments[2])


def _bytes(text: Any) -> bytes | None:
    """Base64, with or without line breaks, to bytes."""
    if text is None:
        return None
    try:
        return b64decode("".join(str(text).split()), validate=True)
    except (binascii.Error, ValueError):
        raise FaultError(Fault.ARGUMENTS, "not base64") from None


def _place_of(error: Exception) -> str:
    """Kind of an error, and the line it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {frames[-1].name}:{frames[-1].lineno}" if frames else type(error).__name__


def _text(contract: StreamedContract | None, found: Mapping[str, Any]) -> str:
    """The result as JSON, without what is NULL; a reason in its place where it is too long."""
    body: dict[str, Any] = {} if contract is None else {"contract": contract.checksum}
    text = _json({**body, **found})
    if len(text.encode()) <= RESULT_BYTES and len(json.dumps(json.dumps(text))) <= ENCODED_BYTES:
        return text
    placed = {name: found[name] for name in ("op", "position", "schema_id") if name in found}
    return _json(body | _faulty(placed, Fault.RESULT_TOO_LONG, f"{len(text.encode())} bytes"))


def _json(body: Mapping[str, Any]) -> str:
    kept = {name: item for name, item in body.items() if item is not None}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def _faulty(found: Mapping[str, Any], reason: str, detail: str) -> dict[str, Any]:
    return {**found, "fault": {"reason": str(reason), "detail": detail[:300]}}
