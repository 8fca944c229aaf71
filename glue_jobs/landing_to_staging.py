"""Hop 2, a Glue job: `python -m glue_jobs.landing_to_staging --pipeline retail --lake-uri … --catalog-uri …`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glue_jobs.staging import MAX_MANIFESTS, promote_staging
from lake.arguments import option, parse
from lake.session import job_session
from lake.watch.options import WatchArgs, job_watch
from schemas import load_pipeline
from schemas.errors import LakeError


@dataclass(frozen=True)
class StagingArgs(WatchArgs):
    """Arguments of the job."""

    pipeline: str = option("the pipeline, a folder of contracts")
    lake_uri: str = option("root of the pipeline's lake: file:///… or s3://…")
    catalog_uri: str = option("jdbc:sqlite:<file>, or glue", default="glue")
    contracts: Path | None = option("a folder that holds pipelines of your own", default=None)
    tables: tuple[str, ...] = option("source tables, comma separated; all where none is given", default=())
    max_manifests_per_batch: int = option("landing batches taken in one commit", default=MAX_MANIFESTS, least=1)
    quality_uri: str | None = option("where Data Docs go; {lake-uri}/quality where none is given", default=None)


def main(argv: Sequence[str]) -> int:
    """Promotes what landed; prints each table's outcome as a line of JSON.

    Returns:
        1 where a table stopped with an error, else 0.

    Raises:
        LakeError: arguments or contracts are wrong.
    """
    args = parse(StagingArgs, argv)
    pipeline = load_pipeline(args.pipeline, (args.contracts,) if args.contracts else ())
    with (
        job_watch(args, argv, pipeline.name) as watch,
        job_session("landing_to_staging", lake_uri=args.lake_uri, catalog_uri=args.catalog_uri) as spark,
    ):
        outcomes = promote_staging(
            spark,
            pipeline,
            args.lake_uri,
            tables=args.tables,
            max_manifests_per_batch=args.max_manifests_per_batch,
            quality_uri=args.quality_uri,
            watch=watch,
        )
    for outcome in outcomes:
        sys.stdout.write(json.dumps(outcome.to_json()) + "\n")
    return int(any(outcome.error for outcome in outcomes))


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
