"""Requests to parts on this machine; the loopback interface needs no proxy."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get_json(url: str, timeout_seconds: float = 5.0) -> Any:
    """The JSON document at ``url``.

    Raises:
        OSError: it does not answer, or not with success.
        ValueError: the answer is not JSON.
    """
    with _DIRECT.open(url, timeout=timeout_seconds) as response:
        return json.load(response)


def request_json(method: str, url: str, body: object = None, *, timeout_seconds: float = 30.0) -> tuple[int, Any]:
    """One request: the HTTP code (503 when nothing answers) and the answer, as JSON where it is JSON."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with _DIRECT.open(request, timeout=timeout_seconds) as response:
            return response.status, _content(response.read())
    except urllib.error.HTTPError as error:
        return error.code, _content(error.read())
    except (urllib.error.URLError, OSError) as error:
        return 503, str(getattr(error, "reason", error))


def _content(text: bytes) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text.decode(errors="replace")
