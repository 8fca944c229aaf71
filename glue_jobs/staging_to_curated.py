"""Hop 3, the entry: `python -m glue_jobs.staging_to_curated --pipeline … --lake-uri … --catalog-uri …`; a Glue job."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glue_jobs.curated.promote import promote_curated
from lake.arguments import option, parse
from lake.session import job_session
from lake.watch.options import WatchArgs, job_watch
from schemas import load_pipeline
from schemas.errors import LakeError


@dataclass(frozen=True)
class CuratedArgs(WatchArgs):
    """Arguments of the job."""

    pipeline: str = option("the pipeline, a folder of contracts")
    lake_uri: str = option("root of the pipeline's lake: file:///… or s3://…")
    catalog_uri: str = option("jdbc:sqlite:<file>, or glue", default="glue")
    contracts: Path | None = option("a folder that holds pipelines of your own", default=None)
    load_files: bool = option("whether to write load files for the warehouse", default=True)


def main(argv: Sequence[str]) -> int:
    """Promotes what was staged; prints the outcome as a line of JSON.

    Returns:
        0.

    Raises:
        LakeError: arguments or contracts are wrong, a table does not fit, or another writer got in between.
    """
    args = parse(CuratedArgs, argv)
    pipeline = load_pipeline(args.pipeline, (args.contracts,) if args.contracts else ())
    with (
        job_watch(args, argv, pipeline.name) as watch,
        job_session("staging_to_curated", lake_uri=args.lake_uri, catalog_uri=args.catalog_uri) as spark,
    ):
        summary = promote_curated(spark, pipeline, args.lake_uri, load=args.load_files, watch=watch)
    sys.stdout.write(json.dumps(summary.to_json()) + "\n")
    return 0


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
