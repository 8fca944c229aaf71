"""Where everything lies under LAKE_HOME."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The folders of one LAKE_HOME; nothing is made until something is written."""

    root: Path

    def __post_init__(self) -> None:
        """Make the root absolute, so that a later change of the working folder moves nothing."""
        object.__setattr__(self, "root", Path(self.root).expanduser().resolve())

    def lake(self, pipeline: str) -> Path:
        """The folder of a pipeline's lake: landing, dead letters, Iceberg, load files."""
        return self.root / "lake" / pipeline

    def lake_uri(self, pipeline: str) -> str:
        """The pipeline's lake as a URI (``file:///…``)."""
        return self.lake(pipeline).as_uri()

    def warehouse(self, pipeline: str) -> Path:
        """The pipeline's embedded warehouse (a DuckDB file)."""
        return self.root / "warehouse" / f"{pipeline}.duckdb"

    def catalog(self, pipeline: str) -> Path:
        """The SQLite file of the pipeline's Iceberg catalog."""
        return self.root / "catalog" / f"{pipeline}.db"

    def catalog_uri(self, pipeline: str) -> str:
        """The pipeline's Iceberg catalog as Spark and pyiceberg name it; its folder is made."""
        path = self.catalog(pipeline)
        path.parent.mkdir(parents=True, exist_ok=True)
        return f"jdbc:sqlite:{path}"

    def checkpoint(self, pipeline: str) -> Path:
        """The streaming job's checkpoint: a cache, losing it loses nothing."""
        return self.root / "checkpoints" / pipeline

    def quality(self, pipeline: str) -> Path:
        """Great Expectations' Data Docs of the pipeline."""
        return self.root / "quality" / pipeline

    def ledger(self, pipeline: str) -> Path:
        """What the workload generator did to the pipeline's source, as JSON lines."""
        return self.root / "source" / f"{pipeline}.ledger.jsonl"

    def run_lock(self, pipeline: str) -> Path:
        """The file that a run of the pipeline's route holds locked."""
        return self.root / f".{pipeline}.run.lock"

    @property
    def last_run(self) -> Path:
        """A file as old as the end of the last run of the route."""
        return self.root / "last-run"

    @property
    def stack(self) -> Path:
        """State of the embedded stack's parts."""
        return self.root / "stack"

    @property
    def logs(self) -> Path:
        """Logs of the parts and of jobs."""
        return self.root / "logs"

    @property
    def pids(self) -> Path:
        """Recorded processes."""
        return self.root / "pids"

    @property
    def scratch(self) -> Path:
        """Spark's shuffle and spill files."""
        return self.root / "scratch"

    def deploy(self, environment: str) -> Path:
        """Plans that wait for an environment, and what Terraform keeps beside them."""
        return self.root / "deploy" / environment

    @property
    def reports(self) -> Path:
        """Pages and tables made for people: the demo's page, reconciliation reports."""
        return self.root / "reports"
