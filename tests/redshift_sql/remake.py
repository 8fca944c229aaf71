"""Writes the reviewed snapshots anew: `python -m tests.redshift_sql.remake`, then read the difference."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Final

from redshift_sql.catalogue import every_statement
from redshift_sql.evolve import evolution
from redshift_sql.migration import written
from redshift_sql.people import access_plan
from redshift_sql.shapes import columns_of
from redshift_sql.statements import Statement, flat
from schemas import load_pipeline
from schemas.model import Pipeline

FOLDER: Final = Path(__file__).parent / "snapshots"


def rendered(pipeline: Pipeline) -> dict[str, str]:
    """Every statement of a pipeline by snapshot file, `<subject>/<template>`, those of one file in running order."""
    texts: dict[str, list[str]] = defaultdict(list)
    for statement in every_statement(pipeline):
        texts[_file(statement)].append(f"{statement.sql.strip()};\n")
    return {file: "\n".join(parts) for file, parts in texts.items()} | {
        f"{pipeline.name}/migration.sql": migration(pipeline),
        f"{pipeline.name}/access.sql": "\n".join(f"{item.sql.strip()};\n" for item in flat(access_plan(pipeline))),
    }


def migration(pipeline: Pipeline) -> str:
    """A migration with a step of every kind, for a warehouse that was made with the contracts of another day."""
    found = {table: {item.name: item.type for item in columns} for table, columns in columns_of(pipeline).items()}
    for kind in (
        "staging.dim_product_load",
        "staging.dim_product_log",
        "staging.dim_product_tip",
        "analytics.dim_product",
    ):
        del found[kind]["brand"]
    found["analytics.fact_orders"]["status"] = "varchar(8)"
    del found["analytics.fact_orders"]["ship_date_sk"]
    found["analytics.fact_sales"] |= {"quantity": "smallint", "coupon": "varchar(8)"}
    del found["analytics.agg_daily_sales_by_category"]["units"]
    return written(1, evolution(pipeline, found)).text


def _file(statement: Statement) -> str:
    return f"{statement.subject}/{statement.source.replace('/', '_')}"


def main() -> None:
    """Replaces the snapshots."""
    texts = rendered(load_pipeline("retail"))
    for old in FOLDER.rglob("*.sql"):
        if str(old.relative_to(FOLDER)) not in texts:
            old.unlink()
    for file, text in texts.items():
        (FOLDER / file).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
