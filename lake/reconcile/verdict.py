"""What reconciliation found, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One oracle's answer for one table.

    `compared` counts the rows or records looked at, `differences` those that break the rule; `detail` never holds
    values of the data.
    """

    oracle: str
    table: str
    compared: int
    differences: int
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing differed."""
        return self.differences == 0


@dataclass(frozen=True)
class Verdict:
    """All findings of one run, and per topic and partition the offset they were verified through."""

    findings: tuple[Finding, ...]
    verified_through: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every oracle holds."""
        return all(finding.passed for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        through = {topic: {str(p): o for p, o in ends.items()} for topic, ends in self.verified_through.items()}
        findings = [asdict(finding) | {"passed": finding.passed} for finding in self.findings]
        return {"passed": self.passed, "findings": findings, "verified_through": through}
