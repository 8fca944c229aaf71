"""Names of datasets, as OpenLineage's Naming.md asks for them: from addresses and contracts. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlparse

from lake.watch.events import Name

_CLUSTER: Final = re.compile(r"^([^.]+)\.[^.]+\.([a-z0-9-]+)\.redshift(-serverless)?\.amazonaws\.com")
_PORTS: Final = {"postgres": 5432, "redshift": 5439}


@dataclass(frozen=True)
class Names:
    """Every dataset of a pipeline.

    Args:
        pipeline: its name.
        lake_uri: root of its lake.
        bootstrap: Kafka's bootstrap servers; only hop 1 knows them.
        warehouse_uri: address of the warehouse; only hop 4 knows it.
        region: of a warehouse whose address has none.
    """

    pipeline: str
    lake_uri: str
    bootstrap: str = ""
    warehouse_uri: str = ""
    region: str = ""

    def topic(self, topic: str) -> Name:
        """`kafka://<first server>`, the topic."""
        return Name(f"kafka://{self.bootstrap.split(',')[0].strip()}", topic)

    def landing(self, source: str) -> Name:
        """The folder of a table's landed files."""
        return self._in_lake(f"landing/{source}")

    def load(self, table: str) -> Name:
        """The load files of a star table, of every load."""
        return self._in_lake(f"load/{table}")

    def log(self, source: str) -> Name:
        """A change log."""
        return self._iceberg("staging", source)

    def curated(self, table: str) -> Name:
        """A table of the star in the lake."""
        return self._iceberg("curated", table)

    def in_catalog(self, namespace: str, table: str) -> Name:
        """An Iceberg table's other name: in the catalog, under its warehouse folder."""
        folder = self._in_lake("iceberg")
        shown = f"{folder.namespace}/{folder.name}" if folder.namespace != "file" else f"file:{folder.name}"
        return Name(shown, f"{self.pipeline}_{namespace}.{table}")

    def warehouse(self, table: str) -> Name:
        """A table of the star in the warehouse; users and passwords are no part of it."""
        parsed = urlparse(self.warehouse_uri)
        scheme = "postgres" if parsed.scheme == "postgresql" else parsed.scheme
        if scheme == "duckdb":
            return Name(f"duckdb://{unquote(parsed.path)}", f"analytics.{table}")
        if scheme == "redshift-data":
            workgroup, _, database = parsed.path.strip("/").partition("/")
            place = ".".join(part for part in (workgroup, self.region) if part)
            return Name(f"redshift://{place}:{_PORTS['redshift']}", f"{database}.analytics.{table}")
        host, database = parsed.hostname or "", parsed.path.strip("/")
        known = _CLUSTER.match(host)
        place = f"{known[1]}.{known[2]}" if known and scheme == "redshift" else host
        port = parsed.port or _PORTS.get(scheme, 0)
        return Name(f"{scheme}://{place}:{port}", f"{database}.analytics.{table}")

    def _iceberg(self, zone: str, table: str) -> Name:
        return self._in_lake(f"iceberg/{self.pipeline}_{zone}/{table}")

    def _in_lake(self, path: str) -> Name:
        parsed = urlparse(self.lake_uri)
        if parsed.scheme in ("s3", "s3a"):
            prefix = parsed.path.strip("/")
            return Name(f"s3://{parsed.netloc}", f"{prefix}/{path}" if prefix else path)
        return Name("file", f"{unquote(parsed.path).rstrip('/')}/{path}")
