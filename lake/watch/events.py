"""OpenLineage run events as plain values. Pure.

The specification: https://openlineage.io/spec/2-0-2/OpenLineage.json and https://openlineage.io/spec/facets; names of
datasets follow its Naming.md. Facets hold names, types and counts, never values of the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

PRODUCER: Final = "https://pypi.org/project/medallion-lake"
_SPEC: Final = "https://openlineage.io/spec"
_RUN_EVENT: Final = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_VERSIONS: Final = {
    "ColumnLineageDatasetFacet": "1-2-0",
    "DataQualityAssertionsDatasetFacet": "1-1-0",
    "DataQualityMetricsInputDatasetFacet": "1-0-3",
    "ErrorMessageRunFacet": "1-0-1",
    "JobTypeJobFacet": "2-0-4",
    "OutputStatisticsOutputDatasetFacet": "1-0-2",
    "ParentRunFacet": "1-2-0",
    "ProcessingEngineRunFacet": "1-1-1",
    "SchemaDatasetFacet": "1-2-0",
    "SymlinksDatasetFacet": "1-0-1",
}


class EventType(StrEnum):
    """What happened to a run."""

    START = "START"
    COMPLETE = "COMPLETE"
    FAIL = "FAIL"
    ABORT = "ABORT"


class Transformation(StrEnum):
    """How a column comes from another: the specification's types and subtypes in one word."""

    IDENTITY = "DIRECT IDENTITY"
    TRANSFORMATION = "DIRECT TRANSFORMATION"
    AGGREGATION = "DIRECT AGGREGATION"
    JOIN = "INDIRECT JOIN"
    GROUP_BY = "INDIRECT GROUP_BY"
    CONDITION = "INDIRECT CONDITION"


@dataclass(frozen=True)
class Name:
    """A dataset's name: `namespace` is the data source, `name` unique in it."""

    namespace: str
    name: str


@dataclass(frozen=True)
class Origin:
    """A column that another comes from."""

    dataset: Name
    column: str
    how: Transformation


@dataclass(frozen=True)
class Field:
    """A column: name, type as its own system names it, description; a struct has fields of its own."""

    name: str
    type: str = ""
    description: str = ""
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """A dataset that a step reads or writes.

    `key` is what the step calls it (a table); `also` another name of it (in a catalog); `origins` says by column which
    columns it comes from, `shaped_by` which ones decide about whole rows.
    """

    key: str
    name: Name
    fields: tuple[Field, ...] = ()
    also: Name | None = None
    origins: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)
    shaped_by: tuple[Origin, ...] = ()


@dataclass(frozen=True)
class Assertion:
    """A check of a dataset and whether it held; `column` is empty where it is about whole rows."""

    name: str
    success: bool
    blocks: bool
    column: str = ""


@dataclass(frozen=True)
class Subject:
    """The job and run that an event is about: `parent` is the run of the route, with its own job's name."""

    namespace: str
    job: str
    run_id: str
    parent_job: str
    parent_run_id: str
    streaming: bool


def run_event(
    kind: EventType,
    subject: Subject,
    instant: str,
    datasets: tuple[Sequence[Dataset], Sequence[Dataset]],
    facts: Mapping[str, Mapping[str, Any]] | None = None,
    error: str = "",
) -> dict[str, Any]:
    """One event.

    Args:
        kind: what happened.
        subject: to whom.
        instant: when, ISO 8601 with a zone.
        datasets: what is read, what is written.
        facts: by a dataset's key, `rows`, `files`, `bytes`, `assertions`; where given, datasets are described in full.
        error: what ended the run; no values of the data.
    """
    inputs, outputs = datasets
    full = facts is not None
    known = facts or {}
    return {
        "eventType": kind.value,
        "eventTime": instant,
        "producer": PRODUCER,
        "schemaURL": _RUN_EVENT,
        "run": {"runId": subject.run_id, "facets": _run_facets(subject, error)},
        "job": {"namespace": subject.namespace, "name": subject.job, "facets": {"jobType": _job_type(subject)}},
        "inputs": [_named(item, full) | _input_facets(known.get(item.key, {})) for item in inputs],
        "outputs": [_named(item, full) | _output_facets(known.get(item.key, {})) for item in outputs],
    }


def _run_facets(subject: Subject, error: str) -> dict[str, Any]:
    parent = _facet(
        "ParentRunFacet",
        run={"runId": subject.parent_run_id},
        job={"namespace": subject.namespace, "name": subject.parent_job},
    )
    facets = {"parent": parent, "processing_engine": _engine()}
    if error:
        facets["errorMessage"] = _facet("ErrorMessageRunFacet", message=error, programmingLanguage="PYTHON")
    return facets


@cache
def _engine() -> dict[str, Any]:
    try:
        found = version("pyspark")
    except PackageNotFoundError:  # on Glue, Spark is no package of ours
        found = "unknown"
    return _facet("ProcessingEngineRunFacet", name="spark", version=found)


def _job_type(subject: Subject) -> dict[str, Any]:
    kind = "STREAMING" if subject.streaming else "BATCH"
    return _facet("JobTypeJobFacet", processingType=kind, integration="MEDALLION_LAKE", jobType="TASK")


def _named(dataset: Dataset, full: bool) -> dict[str, Any]:
    facets: dict[str, Any] = {}
    if full and dataset.fields:
        facets["schema"] = _facet("SchemaDatasetFacet", fields=[_field(item) for item in dataset.fields])
    if full and dataset.origins:
        facets["columnLineage"] = _column_lineage(dataset)
    if dataset.also:
        identifier = {"namespace": dataset.also.namespace, "name": dataset.also.name, "type": "TABLE"}
        facets["symlinks"] = _facet("SymlinksDatasetFacet", identifiers=[identifier])
    return {"namespace": dataset.name.namespace, "name": dataset.name.name, "facets": facets}


def _field(item: Field) -> dict[str, Any]:
    body: dict[str, Any] = {"name": item.name}
    body |= {"type": item.type} if item.type else {}
    body |= {"description": item.description} if item.description else {}
    return body | ({"fields": [_field(inner) for inner in item.fields]} if item.fields else {})


def _column_lineage(dataset: Dataset) -> dict[str, Any]:
    fields = {name: {"inputFields": _origins(origins)} for name, origins in dataset.origins.items() if origins}
    return _facet("ColumnLineageDatasetFacet", fields=fields, dataset=_origins(dataset.shaped_by))


def _origins(origins: Sequence[Origin]) -> list[dict[str, Any]]:
    """Each column once, with all the ways in which it counts."""
    found: dict[tuple[Name, str], list[dict[str, Any]]] = {}
    for origin in origins:
        kind, _, subtype = origin.how.value.partition(" ")
        way = {"type": kind, "subtype": subtype, "masking": False}
        ways = found.setdefault((origin.dataset, origin.column), [])
        if way not in ways:
            ways.append(way)
    return [
        {"namespace": name.namespace, "name": name.name, "field": column, "transformations": ways}
        for (name, column), ways in found.items()
    ]


def _input_facets(facts: Mapping[str, Any]) -> dict[str, Any]:
    facets: dict[str, Any] = {}
    if "rows" in facts:
        counts = {"rowCount": facts["rows"], "columnMetrics": {}}
        facets["dataQualityMetrics"] = _facet("DataQualityMetricsInputDatasetFacet", **counts)
    if facts.get("assertions"):
        stated = [_assertion(item) for item in facts["assertions"]]
        facets["dataQualityAssertions"] = _facet("DataQualityAssertionsDatasetFacet", assertions=stated)
    return {"inputFacets": facets}


def _assertion(item: Assertion) -> dict[str, Any]:
    body = {"assertion": item.name, "success": item.success, "severity": "error" if item.blocks else "warn"}
    return body | ({"column": item.column} if item.column else {})


def _output_facets(facts: Mapping[str, Any]) -> dict[str, Any]:
    names = {"rows": "rowCount", "bytes": "size", "files": "fileCount"}
    counts = {names[name]: facts[name] for name in names if name in facts}
    facets = {"outputStatistics": _facet("OutputStatisticsOutputDatasetFacet", **counts)} if counts else {}
    return {"outputFacets": facets}


def _facet(kind: str, **members: Any) -> dict[str, Any]:
    url = f"{_SPEC}/facets/{_VERSIONS[kind]}/{kind}.json#/$defs/{kind}"
    return {"_producer": PRODUCER, "_schemaURL": url, **members}
