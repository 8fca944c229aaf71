"""The one error root: every failure a user can meet says what happened, where, and what to do next."""

from __future__ import annotations


class LakeError(Exception):
    """Root of all errors raised on purpose.

    Args:
        what: what happened, in one sentence, without values from the data.
        where: the file, table, topic or component concerned.
        remedy: what the reader can do next.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        remedy = f"\n  remedy: {self.remedy}" if self.remedy else ""
        return f"{where}{self.what}{remedy}"


class ContractError(LakeError):
    """A contract file is wrong: names file, field and remedy."""


class CommitConflictError(LakeError):
    """Another writer committed the same sequence first."""


class GapError(LakeError):
    """Records that were never read are gone or out of reach: the hop halts and names the exact gap."""


class DataQualityError(LakeError):
    """A dataset-level expectation of severity reject failed; the batch waits."""
