"""An emulator of Redshift's Data API: boto3 talks to it unchanged, PostgreSQL runs its statements."""

from __future__ import annotations

from tests.support.redshift_data.emulator import Emulator, Fault, emulated

__all__ = ["Emulator", "Fault", "emulated"]
