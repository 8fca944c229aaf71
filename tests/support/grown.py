"""Changes from before a contract knew an attribute: the same changes, without its value."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from tests.reference.history import UNAVAILABLE, Change


class Before(Change):
    """A change that was kept before an attribute was in the contract; its identity is that of the whole change."""

    whole: ClassVar[dict[tuple[int, int, int], str]] = {}

    @property
    def identity(self) -> str:
        """See `Change`."""
        return self.whole[self.epoch, self.partition, self.offset]


def without_values(change: Change, names: Collection[str]) -> Change:
    """The change as the rules take it: these attributes are unavailable."""
    Before.whole[change.epoch, change.partition, change.offset] = change.identity
    values = tuple((name, UNAVAILABLE if name in names else value) for name, value in change.attributes)
    return Before(**{**vars(change), "attributes": values})
