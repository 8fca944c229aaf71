"""Reconciliation, a Glue job: every oracle but the source's, over lake, warehouse and Kafka, on a schedule.

The source database is left out: it lives on while the job looks, and its password has no place here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lake.arguments import option, parse
from lake.kafka_auth import CHOICES, NONE
from lake.reconcile.run import Parties, reconcile
from lake.session import job_session
from lake.store import store_for
from lake.warehouse.connect import connect
from lake.watch.options import WatchArgs, job_watch
from schemas import load_pipeline
from schemas.errors import LakeError


@dataclass(frozen=True)
class ReconcileArgs(WatchArgs):
    """Arguments of the job."""

    pipeline: str = option("the pipeline, a folder of contracts")
    lake_uri: str = option("root of the pipeline's lake: file:///… or s3://…")
    warehouse_uri: str = option("the warehouse: redshift-data://…, redshift://…, postgresql://… or duckdb:///<file>")
    bootstrap: str = option("Kafka's bootstrap servers, HOST:PORT,…")
    kafka_auth: str = option("how to log in to Kafka; iam is MSK's", default=NONE, choices=CHOICES)
    catalog_uri: str = option("jdbc:sqlite:<file>, or glue", default="glue")
    contracts: Path | None = option("a folder that holds pipelines of your own", default=None)


def main(argv: Sequence[str]) -> int:
    """Asks the oracles, records the verdict in the lake, and prints it as a line of JSON.

    Returns:
        0 where every oracle holds, else 1.

    Raises:
        LakeError: arguments or contracts are wrong, or a party does not answer.
    """
    args = parse(ReconcileArgs, argv)
    pipeline = load_pipeline(args.pipeline, (args.contracts,) if args.contracts else ())
    with (
        job_watch(args, argv, pipeline.name) as watch,
        job_session("reconcile", lake_uri=args.lake_uri, catalog_uri=args.catalog_uri) as spark,
        closing(connect(args.warehouse_uri, args.lake_uri, read_only=True)) as warehouse,
    ):
        parties = Parties(
            spark=spark,
            pipeline=pipeline,
            store=store_for(args.lake_uri),
            warehouse=warehouse,
            bootstrap=args.bootstrap,
            source_dsn=None,
            kafka_auth=args.kafka_auth,
        )
        verdict = reconcile(parties, watch=watch)
    sys.stdout.write(json.dumps(verdict.as_dict()) + "\n")
    return int(not verdict.passed)


def run() -> None:
    """`main` on the process's arguments; an error is shown in one piece and ends with exit code 1."""
    try:
        code = main(sys.argv)
    except LakeError as error:
        sys.stderr.write(f"error: {error}\n")
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    run()
