"""What every record kept as JSON beside the data shares: typed reading, and errors that name file and field."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from schemas.errors import LakeError

VERSION: Final = 1
_T = TypeVar("_T")


class ManifestError(LakeError):
    """A manifest is damaged, or breaks the rules of its kind."""


def utc_now() -> str:
    """The present as ISO 8601 UTC text in milliseconds, as `committed_at` has it."""
    return instant_text(datetime.now(UTC))


def instant_text(instant: datetime) -> str:
    """An instant in UTC as `utc_now` writes it."""
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Reader:
    """Typed access to one JSON object, with errors that name the field."""

    def __init__(self, body: Mapping[str, Any], where: str) -> None:
        self.body = body
        self.where = where

    def get(self, name: str, kind: type[_T]) -> _T:
        """A field's value.

        Raises:
            ManifestError: it is missing, or of another type.
        """
        if name not in self.body:
            raise ManifestError(f"field {name} is missing", where=self.where, remedy=_RESTORE)
        value = self.body[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            found = type(value).__name__
            raise ManifestError(f"field {name} is {found}, not {kind.__name__}", where=self.where, remedy=_RESTORE)
        return value

    def items(self, name: str, parse: Callable[[Reader], _T]) -> tuple[_T, ...]:
        """A field's list of objects, each taken by `parse`.

        Raises:
            ManifestError: it is none.
        """
        found: list[Any] = self.get(name, list)
        where = self.where
        return tuple(
            parse(Reader(mapping(item, f"{name}[{i}]", where), f"{where}: {name}[{i}]")) for i, item in enumerate(found)
        )


_RESTORE: Final = "restore the file from the object store's versions; a manifest is never edited"


def require(condition: bool, what: str, where: str) -> None:
    """Holds a record to a rule.

    Raises:
        ManifestError: the condition does not hold; says `what`.
    """
    if not condition:
        raise ManifestError(what, where=where, remedy=_RESTORE)


def parsed(text: str | bytes, where: str) -> Mapping[str, Any]:
    """A record's object.

    Raises:
        ManifestError: it is not JSON, no object, or of another version.
    """
    try:
        body = json.loads(text)
    except ValueError as error:
        raise ManifestError("is not JSON", where=where, remedy=_RESTORE) from error
    reader = mapping(body, "the file", where)
    version = reader.get("version")
    if version != VERSION:
        raise ManifestError(
            f"has version {version!r}, this release reads version {VERSION}",
            where=where,
            remedy="use the newer release",
        )
    return reader


def mapping(value: object, name: str, where: str) -> Mapping[str, Any]:
    """A value that must be an object; `name` is told in the error.

    Raises:
        ManifestError: it is none.
    """
    if not isinstance(value, dict):
        raise ManifestError(f"{name} is {type(value).__name__}, not an object", where=where, remedy=_RESTORE)
    return value


def strings(body: Mapping[str, Any], name: str, where: str) -> dict[str, str]:
    """An object of texts.

    Raises:
        ManifestError: a value is none.
    """
    require(all(isinstance(v, str) for v in body.values()), f"{name} holds a value that is not text", where)
    return dict(body)


def integers(body: Mapping[str, Any], name: str, where: str) -> dict[str, int]:
    """An object of integers.

    Raises:
        ManifestError: a value is none.
    """
    require(all(type(v) is int for v in body.values()), f"{name} holds a value that is not an integer", where)
    return dict(body)
