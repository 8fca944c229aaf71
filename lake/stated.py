"""What the code states and Terraform takes over: `python -m lake.stated > infra/terraform/lake/retail.json`.

Topics, statements for schedules, limits of use, the metric catalogue and the like have their source here in the code. A
test holds the file against it, so that neither can change alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from lake.metrics import METRICS, NAMESPACE
from lake.session import AVRO_LIMITS
from redshift_sql.stream import EXAMPLE, lag_alarm, refresh_plan, retention_plan
from redshift_sql.upkeep import USAGE_LIMITS
from schemas import load_pipeline
from schemas.model import Pipeline
from streaming.sizing import SIZING
from streaming.udf.package import HANDLER

PROJECT: Final = Path(__file__).parents[1] / "pyproject.toml"


def stated(pipeline: Pipeline) -> dict[str, Any]:
    """What Terraform takes over of a pipeline, as JSON has it. The streaming views are at their first version."""
    return {
        "pipeline": pipeline.name,
        "topics": {source.table: source.topic for source in pipeline.sources.values()},
        "databases": {"staging": pipeline.staging_namespace, "curated": pipeline.curated_namespace},
        "jvm_options": list(AVRO_LIMITS),
        "function_handler": HANDLER,
        "client_packages": _extras("msk", "postgres"),
        "metrics": {
            "namespace": NAMESPACE,
            "metrics": {
                item.name: {"unit": item.unit.value, "statistic": item.statistic.value, "hops": list(item.hops)}
                for item in METRICS
            },
        },
        "stream": {
            "each_minute": [statement.sql.strip() for statement in refresh_plan(pipeline, EXAMPLE)],
            "each_day": [statement.sql.strip() for statement in retention_plan(pipeline, EXAMPLE)],
            "alarm": asdict(lag_alarm(pipeline, EXAMPLE)),
        },
        "sizing": asdict(SIZING),
        "usage_limits": [asdict(limit) for limit in USAGE_LIMITS],
    }


def _extras(*names: str) -> list[str]:
    """Packages of the project's extras: what a job needs that speaks to Kafka beside Spark."""
    found = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    return [package for name in names for package in found[name]]


def text(pipeline: Pipeline) -> str:
    """The file's text."""
    return json.dumps(stated(pipeline), indent=2, ensure_ascii=False) + "\n"


def main(argv: Sequence[str]) -> int:
    """Prints the file of a pipeline."""
    parser = argparse.ArgumentParser(prog="python -m lake.stated", description=__doc__)
    parser.add_argument("--pipeline", default="retail", help="a folder of contracts")
    parser.add_argument("--contracts", type=Path, help="a folder that holds pipelines of your own")
    args = parser.parse_args(argv)
    sys.stdout.write(text(load_pipeline(args.pipeline, (args.contracts,) if args.contracts else ())))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
