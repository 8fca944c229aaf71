"""Writer schemas, analysed once each and kept between invocations: at most so many, the least used go first."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.streamed import SCHEMAS
from streaming.reasons import Reason
from streaming.registry import Registry
from streaming.udf.avro import Writer, writer
from streaming.udf.faults import FaultError

FORGET_SECONDS: Final = 300.0
"""How long a registry's "there is none" counts."""


@dataclass
class SchemaCache:
    """Asks a registry for each id once. An answer that there is none, or none to be used, is remembered for a while."""

    registry: Registry
    most: int = SCHEMAS
    clock: Callable[[], float] = time.monotonic
    _known: OrderedDict[str, Writer] = field(default_factory=OrderedDict)
    _refused: OrderedDict[str, tuple[float, FaultError]] = field(default_factory=OrderedDict)

    def writer(self, schema_id: str) -> Writer:
        """The schema of an id.

        Raises:
            FaultError: the registry holds none, or records of it cannot be read.
            RegistryUnavailableError: the registry does not answer; nothing is decided about the record.
        """
        found = self._known.get(schema_id)
        if found is not None:
            self._known.move_to_end(schema_id)
            return found
        refused = self._refused.get(schema_id)
        if refused is not None and self.clock() - refused[0] < FORGET_SECONDS:
            raise refused[1]
        return self._asked(schema_id)

    def _asked(self, schema_id: str) -> Writer:
        text = self.registry.schema(schema_id)
        try:
            if text is None:
                raise FaultError(Reason.UNKNOWN_SCHEMA_ID)
            found = writer(text)
        except FaultError as error:
            fault = FaultError(error.reason, f"schema {schema_id} {error.detail}".strip())
            self._refused[schema_id] = (self.clock(), fault)
            _trim(self._refused, self.most)
            raise fault from None
        self._known[schema_id] = found
        _trim(self._known, self.most)
        return found


def _trim(kept: OrderedDict[str, Any], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
