"""Hop 4, the entry, and a Glue job.

Run it by `python -m glue_jobs.curated_to_warehouse --pipeline retail --lake-uri … --warehouse-uri …`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from lake.arguments import option, parse
from lake.warehouse.connect import connect
from lake.warehouse.load import LoadedBatch, load_pending
from lake.watch.options import WatchArgs, job_watch
from redshift_sql.migration import migrations_of
from schemas import load_pipeline
from schemas.errors import LakeError


@dataclass(frozen=True)
class WarehouseArgs(WatchArgs):
    """Arguments of the job."""

    pipeline: str = option("the pipeline, a folder of contracts")
    lake_uri: str = option("root of the pipeline's lake: file:///… or s3://…")
    warehouse_uri: str = option("the warehouse: redshift-data://…, redshift://…, postgresql://… or duckdb:///<file>")
    copy_role: str = option("IAM role that Redshift's COPY reads load files with, or default", default="")
    contracts: Path | None = option("a folder that holds pipelines of your own", default=None)


def main(argv: Sequence[str]) -> int:
    """Loads what is pending; prints each load as a line of JSON.

    Raises:
        LakeError: arguments, contracts, a load or the warehouse are wrong.
    """
    args = parse(WarehouseArgs, argv)
    search_path = (args.contracts,) if args.contracts else ()
    pipeline = load_pipeline(args.pipeline, search_path)
    with (
        job_watch(args, argv, pipeline.name) as watch,
        closing(connect(args.warehouse_uri, args.lake_uri, copy_role=args.copy_role)) as warehouse,
    ):
        load_pending(
            pipeline,
            args.lake_uri,
            warehouse,
            progress=_print,
            migrations=migrations_of(args.pipeline, search_path),
            watch=watch,
            warehouse_uri=args.warehouse_uri,
        )
    return 0


def _print(batch: LoadedBatch) -> None:
    sys.stdout.write(f"{json.dumps(asdict(batch), default=dict)}\n")
    sys.stdout.flush()


def run() -> None:
    """`main` on the process's arguments; an error is shown in one piece, without values, and ends with exit code 1."""
    try:
        code = main(sys.argv)
    except LakeError as error:
        sys.stderr.write(f"error: {error}\n")
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    run()
