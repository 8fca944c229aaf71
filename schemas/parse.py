"""Folders of YAML to a `Pipeline`, every error naming file, field and remedy."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import ValidationError

from schemas.build import FieldError, build_aggregate, build_calendar, build_dimension, build_fact, build_source
from schemas.documents import (
    STAR_KINDS,
    AggregateDocument,
    CalendarDocument,
    DimensionDocument,
    Document,
    FactDocument,
    PipelineDocument,
    SourceDocument,
    StarDocument,
)
from schemas.errors import ContractError
from schemas.model import IDENTIFIER, Pipeline

D = TypeVar("D", bound=Document)
T = TypeVar("T")


def load_pipeline(name: str, search_path: Sequence[Path] = ()) -> Pipeline:
    """The contracts of one pipeline.

    Args:
        name: folder name, looked for in `search_path` first, then beside this package.
        search_path: folders that hold pipeline folders.

    Raises:
        ContractError: the folder is not there, or a file in it is wrong.
    """
    return parse_pipeline(pipeline_folder(name, search_path))


def pipeline_folder(name: str, search_path: Sequence[Path] = ()) -> Traversable:
    """Where a pipeline's contract files lie.

    Raises:
        ContractError: no such folder.
    """
    roots: list[Traversable] = [*search_path, resources.files("schemas")]
    for root in roots if IDENTIFIER.match(name) else ():
        folder = root / name
        if folder.joinpath("pipeline.yaml").is_file():
            return folder
    known = sorted({item.name for root in roots if root.is_dir() for item in root.iterdir() if _is_pipeline(item)})
    remedy = f"use one of {', '.join(known)}, or name the folder that holds yours in LAKE_PIPELINES"
    raise ContractError(f"no pipeline '{name}'", where="--pipeline", remedy=remedy)


def parse_pipeline(folder: Traversable) -> Pipeline:
    """Every contract of a folder, checked against each other.

    Raises:
        ContractError: a file is no YAML, or a field is unknown, missing, of a wrong type or leads nowhere.
    """
    head = _document(folder / "pipeline.yaml", PipelineDocument)
    sources = {}
    for file in _yaml_files(folder / "sources"):
        source = _built(file, build_source, _document(file, SourceDocument), head.pipeline)
        _named_as_file(file, source.table)
        sources[source.table] = source
    if not sources:
        raise ContractError("no source contract", where=f"{folder}/sources", remedy="add one with: lake contract new")
    star = [(file, _star_document(file)) for file in _yaml_files(folder / "star")]
    for file, document in star:
        _named_as_file(file, document.table)
    dimensions = {d.table: _built(f, build_dimension, d, sources) for f, d in star if isinstance(d, DimensionDocument)}
    calendars = {d.table: _built(f, build_calendar, d) for f, d in star if isinstance(d, CalendarDocument)}
    stars = (sources, dimensions, calendars)
    facts = {d.table: _built(f, build_fact, d, *stars) for f, d in star if isinstance(d, FactDocument)}
    aggregates = {
        d.table: _built(f, build_aggregate, d, facts, dimensions) for f, d in star if isinstance(d, AggregateDocument)
    }
    made = {*dimensions, *calendars, *facts, *aggregates}
    for file in _yaml_files(folder / "sources"):
        _apart(file, file.name.rsplit(".", 1)[0], made, sources)
    return Pipeline(head.pipeline, head.description, sources, dimensions, calendars, facts, aggregates)


def _is_pipeline(item: Traversable) -> bool:
    return item.is_dir() and item.joinpath("pipeline.yaml").is_file()


def _yaml_files(folder: Traversable) -> list[Traversable]:
    if not folder.is_dir():
        return []
    return sorted((item for item in folder.iterdir() if item.name.endswith((".yaml", ".yml"))), key=lambda f: f.name)


def _named_as_file(file: Traversable, table: str) -> None:
    if file.name.rsplit(".", 1)[0] != table:
        what = f"table '{table}' is in a file of another name"
        raise ContractError(what, where=f"{file}: table", remedy=f"name it {table}.yaml")


_LEDGERS: Final = ("load_ledger", "migration_ledger", "rule_ledger")
_TECHNICAL: Final = ("load", "log", "truncate", "tip")


def _apart(file: Traversable, table: str, star: Collection[str], sources: Collection[str]) -> None:
    """A source's mirror in the warehouse has the source's name, beside the star's tables, its own ledgers and views."""
    names = {*_LEDGERS, *star, *(f"{name}_{kind}" for name in star for kind in _TECHNICAL)}
    if table in names | {f"{name}_{kind}" for name in sources for kind in ("load", "stream", "now")}:
        what = f"'{table}' is the name of another table of the warehouse, where the source has a mirror"
        raise ContractError(what, where=f"{file}: table", remedy="give the star table another name")


def _load(file: Traversable) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        remedy = "add it, or check the folder's name"
        raise ContractError("the file is not there", where=str(file), remedy=remedy) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ContractError("the file is not YAML", where=f"{file}{line}", remedy="mend its syntax") from None
    if not isinstance(loaded, dict):
        raise ContractError("the file is not a mapping", where=str(file), remedy="start with 'table: …'")
    return loaded


def _star_document(file: Traversable) -> StarDocument:
    kind = _load(file).get("kind")
    if kind not in STAR_KINDS:
        remedy = f"use one of {', '.join(STAR_KINDS)}"
        raise ContractError(f"unknown kind {kind!r}", where=f"{file}: kind", remedy=remedy)
    return _document(file, STAR_KINDS[kind])


def _document(file: Traversable, shape: type[D]) -> D:
    try:
        return shape.model_validate(_load(file))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"] if part != "[key]")
        what = _explained(first["type"], first["msg"])
        raise ContractError(what, where=f"{file}: {field}", remedy=_remedy(first, shape)) from None


def _explained(kind: str, message: str) -> str:
    texts = {"extra_forbidden": "unknown field", "missing": "a required field is missing"}
    return texts.get(kind, message.removeprefix("Value error, "))


def _remedy(error: Any, shape: type[Document]) -> str:
    name = str(error["loc"][-1])
    if error["type"] == "missing":
        return f"add '{name}'"
    if error["type"] != "extra_forbidden":
        return "correct the value"
    if len(error["loc"]) > 1:
        inner = {field for document in Document.__subclasses__() for field in document.model_fields}
        near = difflib.get_close_matches(name, sorted(inner), 1)
        meant = f"did you mean '{near[0]}'? " if near else ""
        return f"{meant}remove it, or correct its spelling; quote a text that holds a comma"
    known = sorted(shape.model_fields)
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean '{near[0]}'?" if near else f"remove it (fields here: {', '.join(known)})"


def _built(file: Traversable, build: Callable[..., T], *arguments: object) -> T:
    try:
        return build(*arguments)
    except FieldError as error:
        raise ContractError(error.what, where=f"{file}: {error.field}", remedy=error.remedy) from None
