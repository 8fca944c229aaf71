"""A contract's dataset-level expectations, run by Great Expectations on each batch, and its Data Docs.

An expectation whose metrics are plain aggregates is judged on values that the pass over the batch has measured; any
other (uniqueness, quantiles, …) is run by Great Expectations' own Spark engine on the batch. Either way results hold
counts and no values of the data. The dataset is the batch's accepted upserts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyspark.sql import Column, DataFrame

from glue_jobs.transforms import measures
from lake.store import Store
from schemas.errors import ContractError
from schemas.model import Expectation, PiiClass, Severity, SourceContract

if TYPE_CHECKING:
    from great_expectations.core.expectation_validation_result import (
        ExpectationValidationResult,
    )

_FORMAT: Final = {"result_format": "BASIC", "partial_unexpected_count": 0}
"""Counts, and not one of the values."""
_KEPT_RUNS: Final = 100
_AGGREGATED: Final = frozenset({"column", "mostly", "min_value", "max_value", "strict_min", "strict_max", "value_set",
                                "value", "regex"})  # fmt: skip
"""Arguments that `measures` knows; another (a row condition, …) sends an expectation to Great Expectations' engine."""


@dataclass(frozen=True)
class Result:
    """How one expectation fared: counts (`observed`), never values."""

    type: str
    column: str
    severity: Severity
    success: bool
    observed: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Type and column in one word, as messages and quarantine reasons name it."""
        return f"{self.type}({self.column})" if self.column else self.type


@dataclass(frozen=True)
class Verdict:
    """All results of one batch; `page` is Great Expectations' page of it."""

    results: tuple[Result, ...]
    page: str

    @property
    def rejected(self) -> tuple[Result, ...]:
        """Failed expectations that hold the batch."""
        return tuple(item for item in self.results if not item.success and item.severity is Severity.REJECT)

    @property
    def warned(self) -> tuple[Result, ...]:
        """Failed expectations that are only reported."""
        return tuple(item for item in self.results if not item.success and item.severity is Severity.WARN)


@dataclass(frozen=True)
class _Planned:
    """An expectation as stated and as built; `metrics` is empty where Great Expectations' own engine must run it."""

    stated: Expectation
    built: Any
    metrics: tuple[str, ...]


class Suite:
    """The expectations of a contract, checked.

    Raises:
        ContractError: an expectation is unknown, or its arguments do not fit.
    """

    def __init__(self, contract: SourceContract) -> None:
        self.contract = contract
        self._planned = tuple(_planned(contract, number, item) for number, item in enumerate(contract.expectations))

    def __bool__(self) -> bool:
        return bool(self._planned)

    def aggregates(self, among: Column) -> list[Column]:
        """What the pass over a batch must measure among the rows for which `among` holds, for `verdict`."""
        columns = []
        for number, item in enumerate(self._planned):
            arguments = dict(item.stated.arguments)
            for metric in item.metrics:
                found = measures.aggregate(metric, arguments, among)
                if found is not None:
                    columns.append(found.alias(_alias(number, metric)))
        return columns

    @property
    def needs_rows(self) -> bool:
        """Whether an expectation is run on the batch's rows."""
        return any(not item.metrics for item in self._planned)

    def verdict(self, measured: Mapping[str, Any], rows: DataFrame, title: str) -> Verdict:
        """Judges a batch.

        Args:
            measured: the values of `aggregates`, by alias.
            rows: the batch's rows with the contract's columns; read only where `needs_rows`.
            title: names the batch on its page.
        """
        own = [item for item in self._planned if not item.metrics]
        by_engine = iter(_by_engine(rows, [item.built for item in own]) if own else ())
        raw = [
            _by_values(item, number, measured) if item.metrics else next(by_engine)
            for number, item in enumerate(self._planned)
        ]
        private = {column.name for column in self.contract.columns if column.pii is not PiiClass.NONE}
        cleaned = [_without_values(result, private) for result in raw]
        results = tuple(_result(item.stated, result) for item, result in zip(self._planned, cleaned, strict=True))
        return Verdict(results, _page(self.contract, cleaned, title))


def write_docs(store: Store, table: str, batch: str, verdict: Verdict, outcome: str) -> str:
    """Writes a batch's page and the table's index of the newest runs.

    Args:
        store: where Data Docs lie.
        table: source table.
        batch: name of the batch, a part of the page's name; a second run of one batch replaces its page.
        verdict: the results.
        outcome: `promoted`, `held`, `accepted` or `skipped`.

    Returns:
        key of the page.
    """
    page = f"{table}/{batch}.html"
    store.write(page, verdict.page.encode())
    entry = {
        "batch": batch,
        "outcome": outcome,
        "failed": [item.name for item in (*verdict.rejected, *verdict.warned)],
        "expectations": len(verdict.results),
    }
    runs = [run for run in _runs(store, table) if run["batch"] != batch]
    runs = [entry, *runs][:_KEPT_RUNS]
    store.write(f"{table}/runs.json", json.dumps(runs, indent=1).encode())
    store.write(f"{table}/index.html", _index(table, runs).encode())
    return page


def _runs(store: Store, table: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(store.read(f"{table}/runs.json"))
    except (FileNotFoundError, ValueError):
        return []
    return [run for run in found if isinstance(run, dict) and "batch" in run]


def _index(table: str, runs: Sequence[Mapping[str, Any]]) -> str:
    rows = "".join(
        f'<tr><td><a href="{run["batch"]}.html">{run["batch"]}</a></td><td>{run["outcome"]}</td>'
        f"<td>{run['expectations']}</td><td>{', '.join(run['failed']) or 'none'}</td></tr>\n"
        for run in runs
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Quality of {table}</title><style>'
        "body{font:15px system-ui;margin:2rem}td,th{padding:.3rem .8rem;text-align:left;border-bottom:1px solid #ddd}"
        f"</style></head><body><h1>Quality of {table}</h1><table><tr><th>batch</th><th>outcome</th>"
        f"<th>expectations</th><th>failed</th></tr>\n{rows}</table></body></html>\n"
    )


def _planned(contract: SourceContract, number: int, stated: Expectation) -> _Planned:
    _quiet()
    from great_expectations.exceptions.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import get_expectation_impl

    where = f"{contract.pipeline}/sources/{contract.table}.yaml: expectations.{number}"
    arguments = dict(stated.arguments)
    try:
        kind: Any = get_expectation_impl(stated.type)
    except ExpectationNotFoundError:
        remedy = "name one of Great Expectations' core expectations"
        raise ContractError(f"no expectation '{stated.type}'", where=f"{where}.type", remedy=remedy) from None
    named = arguments.get("column")
    if named is not None and named not in contract.by_name:
        remedy = f"use one of {', '.join(sorted(contract.by_name))}"
        raise ContractError(f"no column '{named}'", where=f"{where}.arguments.column", remedy=remedy)
    severity = "critical" if stated.severity is Severity.REJECT else "warning"
    try:
        built = kind(**arguments, severity=severity)
    except (ValueError, TypeError) as error:
        raise ContractError(
            _first_fault(error),
            where=f"{where}.arguments",
            remedy="correct the arguments",
        ) from None
    return _Planned(stated, built, _plain_metrics(built, arguments))


def _first_fault(error: ValueError | TypeError) -> str:
    faults = error.errors() if hasattr(error, "errors") else []
    if not faults:
        return f"the arguments do not fit ({type(error).__name__})"
    return f"argument {'.'.join(map(str, faults[0]['loc']))}: {faults[0]['msg']}"


def _metric_names(built: Any) -> dict[str, Any]:
    found = built.get_validation_dependencies(runtime_configuration={"result_format": dict(_FORMAT)})
    return dict(found.metric_configurations)


def _plain_metrics(built: Any, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The metrics of an expectation where each is an aggregate (or a list of values, which stays empty); else none."""
    if not set(arguments) <= _AGGREGATED:
        return ()
    names = tuple(_metric_names(built))
    return names if all(name.endswith(".unexpected_values") or measures.known(name) for name in names) else ()


def _by_values(item: _Planned, number: int, measured: Mapping[str, Any]) -> ExpectationValidationResult:
    values = {
        configuration.id: [] if name.endswith(".unexpected_values") else measured[_alias(number, name)]
        for name, configuration in _metric_names(item.built).items()
    }
    result = item.built.metrics_validate(values, runtime_configuration={"result_format": dict(_FORMAT)})
    result.expectation_config = item.built.configuration
    return result  # type: ignore[no-any-return]


def _by_engine(rows: DataFrame, expectations: Sequence[Any]) -> list[ExpectationValidationResult]:
    import great_expectations as gx

    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_spark("batch")
    batch = source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")
    found = batch.get_batch({"dataframe": rows})
    return [found.validate(item, result_format=dict(_FORMAT)) for item in expectations]


def _without_values(result: ExpectationValidationResult, private: set[str]) -> ExpectationValidationResult:
    """Strips what may quote the data: unexpected values always, observed values of personal columns."""
    hidden = {name for name in result.result if name.startswith(("partial_unexpected", "unexpected_list"))}
    hidden |= {"unexpected_index_query", "unexpected_rows", "details"}
    config = result.expectation_config
    if config is not None and config.kwargs.get("column") in private:
        hidden.add("observed_value")
    result.result = {name: value for name, value in result.result.items() if name not in hidden}
    return result


def _result(stated: Expectation, result: ExpectationValidationResult) -> Result:
    arguments = dict(stated.arguments)
    observed = {name: value for name, value in result.result.items() if isinstance(value, (int, float, str))}
    return Result(
        stated.type,
        str(arguments.get("column", "")),
        stated.severity,
        bool(result.success),
        observed,
    )


def _page(contract: SourceContract, results: Sequence[ExpectationValidationResult], title: str) -> str:
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
    )
    from great_expectations.render.renderer.page_renderer import (
        ValidationResultsPageRenderer,
    )
    from great_expectations.render.view.view import DefaultJinjaPageView

    passed = sum(bool(result.success) for result in results)
    view: Any = DefaultJinjaPageView()
    whole = ExpectationSuiteValidationResult(
        success=passed == len(results),
        results=list(results),
        suite_name=f"{contract.pipeline}.{contract.table}",
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(results) - passed,
            "success_percent": 100.0 * passed / len(results),
        },
        meta={"run_id": {"run_name": title, "run_time": None}, "batch_spec": {}},
    )
    return str(view.render(ValidationResultsPageRenderer().render(whole)))


def _alias(number: int, metric: str) -> str:
    return f"expectation {number} {metric}"


def _quiet() -> None:
    """Great Expectations sends usage figures home unless it is told not to, before it is imported."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
