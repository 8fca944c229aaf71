"""Dead letters sent through again or discarded, a Glue job: `python -m glue_jobs.redrive --pipeline retail …`.

What it redrives is promoted by the next runs of hops 2 and 3.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pyspark.sql import SparkSession

from lake.arguments import option, parse
from lake.deadletters.reading import Stores, Wanted
from lake.deadletters.settling import chosen, hops_of, settled
from lake.session import job_session
from lake.store import store_for
from lake.watch.options import WatchArgs, job_watch
from schemas import load_pipeline
from schemas.errors import LakeError
from schemas.settlements import Verb
from streaming.kafka_to_landing import SESSION
from streaming.registry import registry_for
from streaming.settle import Settler


@dataclass(frozen=True)
class RedriveArgs(WatchArgs):
    """Arguments of the job."""

    pipeline: str = option("the pipeline, a folder of contracts")
    lake_uri: str = option("root of the pipeline's lake: file:///… or s3://…")
    catalog_uri: str = option("jdbc:sqlite:<file>, or glue", default="glue")
    contracts: Path | None = option("a folder that holds pipelines of your own", default=None)
    registry: str = option("http(s)://… or glue[:region]; decodes what could not be", default="glue")
    tables: tuple[str, ...] = option("source tables and facts, comma separated; all where none is given", default=())
    hops: tuple[str, ...] = option("landing, staging, curated; all where none is given", default=())
    reason: str = option("only letters with a reason that starts so", default="")
    ids: tuple[str, ...] = option("only letters of these ids, comma separated", default=())
    discard: bool = option("discard the letters instead; needs --note", default=False)
    note: str = option("why, for the record", default="")
    by: str = option("who asks, for the record", default="glue")
    dry_run: bool = option("only say how many are open", default=False)


def main(argv: Sequence[str]) -> int:
    """Settles the open letters that are wanted; prints each commit's outcome as a line of JSON.

    Returns:
        1 where some stayed open for an error, else 0.

    Raises:
        LakeError: arguments or contracts are wrong, or an id is none.
    """
    args = parse(RedriveArgs, argv)
    pipeline = load_pipeline(args.pipeline, (args.contracts,) if args.contracts else ())
    stores = Stores(pipeline, store_for(args.lake_uri), args.catalog_uri)
    letters = chosen(stores, Wanted(args.tables, hops_of(args.hops), args.reason, args.ids))
    if args.dry_run:
        sys.stdout.write(json.dumps({"open": len(letters)}) + "\n")
        return 0
    failed = False
    with ExitStack() as stack:
        stack.enter_context(job_watch(args, argv, pipeline.name))

        @cache
        def session() -> SparkSession:
            opened = job_session("redrive", lake_uri=args.lake_uri, catalog_uri=args.catalog_uri, extra=SESSION)
            return stack.enter_context(opened)

        verb = Verb.DISCARD if args.discard else Verb.REDRIVE
        settler = Settler(stores.store, verb, args.by, args.note, session, lambda: registry_for(args.registry))
        for outcome in settled(letters, settler):
            failed = failed or outcome.error is not None
            sys.stdout.write(json.dumps(outcome.to_json()) + "\n")
    return int(failed)


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
