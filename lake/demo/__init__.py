"""What the demonstration shows: a report of values, how it is collected, and its two pictures (page and terminal)."""

from __future__ import annotations
