"""Zero-copy reads: the curated Iceberg tables as a schema of the warehouse (Redshift Spectrum)."""

from __future__ import annotations

from itertools import chain
from typing import Final

from redshift_sql.arn import role_arn
from redshift_sql.contexts import word
from redshift_sql.people import STEWARD
from redshift_sql.render import statements
from redshift_sql.statements import Plan
from schemas.model import Pipeline

SCHEMA: Final = "lake_curated"


def spectrum_plan(pipeline: Pipeline, role: str) -> Plan:
    """The external schema over a pipeline's curated tables, and who may read it.

    Redshift makes external schemas outside a transaction only.

    Args:
        pipeline: the contracts.
        role: ARN of the IAM role that reads the catalog and the tables' files.

    Raises:
        RenderError: the role is no ARN.
    """
    context = {
        "schema": SCHEMA,
        "database": word(pipeline.curated_namespace),
        "role": role_arn(role),
        "steward": STEWARD,
    }
    files = ("spectrum/940_curated.sql", "spectrum/941_reader.sql")
    return tuple(chain.from_iterable(statements(file, SCHEMA, context) for file in files))
