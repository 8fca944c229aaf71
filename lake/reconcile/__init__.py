"""Oracles over the whole route: independent second answers to what the hops say. `lake reconcile` runs them."""

from __future__ import annotations

from lake.reconcile.verdict import Finding, Verdict

__all__ = ["Finding", "Verdict"]
