"""The Avro schemas that the registry holds for topics, through its Confluent-compatible interface."""

from __future__ import annotations

import json
import urllib.error
from typing import Any

from infra.local.errors import StackDownError
from infra.local.http import get_json

SIDES = ("key", "value")


def latest_schema(ccompat_url: str, topic: str, side: str) -> dict[str, Any]:
    """The latest schema of a topic's keys or values (``side``: key, value) as parsed JSON.

    Raises:
        StackDownError: the registry does not answer, or has no such subject.
    """
    subject = f"{topic}-{side}"
    try:
        found = get_json(f"{ccompat_url}/subjects/{subject}/versions/latest")
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise StackDownError(
            f"no schema of subject {subject} ({getattr(error, 'reason', error)})",
            where=f"registry {ccompat_url}",
            remedy="see `lake status`; a subject is there once the table's first row was captured",
        ) from error
    schema: dict[str, Any] = json.loads(found["schema"])
    return schema
