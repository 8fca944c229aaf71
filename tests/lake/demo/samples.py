"""A report as rich as a real one, made by hand, with hostile text where strangers' text can stand."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from lake.demo.model import (
    BEGINNING,
    Action,
    CheckResult,
    DeadLetters,
    History,
    Latency,
    NextStep,
    Phase,
    Report,
    Restatement,
    Sales,
    SalesRow,
    Stop,
    TableRows,
    Value,
    Version,
    with_changes,
)
from lake.reconcile import Finding, Verdict

NOW = datetime.fromisoformat("2025-03-14 09:26:53.589793")
HOSTILE = "<script>alert('x')</script>&\"\x1b[31m\u202e[bold]"


def at(seconds: float) -> datetime:
    """An instant after the sample's start."""
    return NOW + timedelta(seconds=seconds)


Row = tuple[datetime, datetime | None, dict[str, str | None], int]


def versions(*rows: Row, deleted: int | None = None) -> tuple[Version, ...]:
    """Versions from (from, to, values, facts), with the changes marked; `deleted` is the index of a deleted one."""
    return with_changes(
        [
            Version(
                start, end, tuple(Value(name, value) for name, value in values.items()), number == deleted, False, facts
            )
            for number, (start, end, values, facts) in enumerate(rows)
        ]
    )


def state(segment: str, band: str | None, marital: str | None = "single") -> dict[str, str | None]:
    """Type-2 attributes of a customer."""
    return {"segment": segment, "income_band": band, "marital_status": marital}


HISTORIES = (
    History(
        "dim_customer",
        "customer 17",
        versions(
            (BEGINNING, at(3.2), state("consumer", "20-40k"), 6),
            (at(3.2), at(9.75), state("vip", "20-40k", "married"), 2),
            (at(9.75), at(15.5), state("consumer", "20-40k"), 1),
            (at(15.5), None, state("consumer", None, HOSTILE), 0),
        ),
    ),
    History(
        "dim_customer",
        "customer 4",
        versions(
            (BEGINNING, at(5.0), state("corporate", "80k+"), 11),
            (at(8.0), at(8.25), state("corporate", "80k+"), 0),
            (at(8.25), None, state("small_business", "80k+"), 1),
        ),
    ),
    History("dim_customer", "customer 9", versions((BEGINNING, at(6.0), state("consumer", None), 3))),
    History("dim_customer", "customer 61", versions((at(11.0), None, state("vip", "40-80k"), 1))),
)


def tables(**rows: int) -> tuple[TableRows, ...]:
    """Rows by table."""
    return tuple(TableRows(name, number) for name, number in rows.items())


STAR = tables(dim_customer=268, dim_product=141, fact_orders=612, fact_sales=1801, agg_daily_sales_by_category=320)
ROUTE = (
    Stop("source", "PostgreSQL", "rows", tables(customer=215, product=120, order=612, order_item=1804), note="retail"),
    Stop("kafka", "Kafka", "records", tables(customer=413, product=188, order=1040, order_item=2107), note="4 topics"),
    Stop(
        "landing",
        "Landing",
        "records",
        tables(customer=410, product=187, order=1040, order_item=2105),
        tables(customer=3, product=1, order_item=2),
        "dead letters",
        "11 batches",
    ),
    Stop(
        "staging",
        "Staging",
        "changes",
        tables(customer=400, product=180, order=1031, order_item=2090),
        tables(product=2, order_item=3),
        "quarantined",
        "Iceberg",
    ),
    Stop("curated", "Curated", "star rows", STAR, note="Iceberg"),
    Stop("warehouse", "Warehouse", "star rows", STAR, note="2 loads"),
)

LATENCY = (
    Latency("source", "kafka", 3740, 0.41, 1.9),
    Latency("kafka", "landing", 3740, 2.6, 6.2),
    Latency("landing", "staging", 3740, 14.1, 31.0),
    Latency("staging", "curated", 3740, 9.4, 11.2),
    Latency("curated", "warehouse", 3740, 6.1, 6.1),
)

MONTHS = ("2024-10", "2024-11", "2024-12", "2025-01", "2025-02", "2025-03")


def sales_row(group: str, base: int, today: int) -> SalesRow:
    """A row whose amounts rise with the months."""
    return SalesRow(group, tuple(Decimal(base * (i + 2)) + Decimal("0.49") for i in range(6)), Decimal(today))


SALES = Sales(
    "fact_sales",
    "category",
    "net_amount",
    MONTHS,
    (
        sales_row("books", 1200, 32402),
        sales_row("garden", 310, 8002),
        sales_row(HOSTILE, 90, 2432),
        sales_row("toys", 820, 22142),
    ),
)

VERDICT = Verdict(
    (
        Finding("landing", "customer", 413, 0, "6 manifests; 0 missing, 0 not in Kafka, 0 twice"),
        Finding("source", "dim_customer", 215, 0, "0 missing, 0 too many, 0 unequal; 0 keys in quarantine"),
        Finding("history", "dim_customer", 268, 0, "no rule broken"),
        Finding("replay", "dim_customer", 268, 0, ""),
        Finding("twins", "fact_sales", 1801, 0, ""),
        Finding("keys", "fact_sales", 3602, 0, ""),
    )
)
FAILED = Verdict((*VERDICT.findings, Finding("twins", "dim_product", 141, 2, HOSTILE)))

REPORT = Report(
    pipeline="retail",
    made_at=NOW,
    verdict=VERDICT,
    phases=(
        Phase("Start the stack", 14.2),
        Phase("Seed", 2.1),
        Phase("Live workload", 32),
        Phase("Finish the route", 61),
        Phase("Reconcile", 20),
    ),
    workload=(
        Action("inserts", 84),
        Action("updates", 388),
        Action("deletes", 21),
        Action("re-inserts", 7),
        Action("late corrections", 12),
        Action("broken records", 6),
    ),
    route=ROUTE,
    latency=LATENCY,
    histories=HISTORIES,
    sales=SALES,
    restatements=(Restatement("fact_sales", "product_sk", "late_change", 12),),
    dead_letters=(
        DeadLetters(
            "landing", "customer", "unknown_schema_id", 3, ("partition 0, offset 117", "partition 1, offset 9")
        ),
        DeadLetters("landing", "order_item", "unknown_magic", 2, ("partition 2, offset 31",)),
        DeadLetters("staging", "product", HOSTILE, 2, ("partition 0, offset 12",)),
    ),
    checks=(
        CheckResult("customer", "email_has_at", "row", "reject", 400, 0),
        CheckResult("product", "price_not_negative", "row", "reject", 182, 2),
        CheckResult("product", "weight_positive", "row", "warn", 182, 1),
        CheckResult("order", "expect_column_values_to_be_in_set", "dataset", "warn", 6, 0),
    ),
    tombstones=40,
    next_steps=(
        NextStep('lake sql "SELECT * FROM analytics.dim_customer"', "Ask the warehouse yourself."),
        NextStep("lake dlq list", "See what was set aside, and why."),
    ),
)
