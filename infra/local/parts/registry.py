"""The schema registry: Apicurio with its Confluent-compatible interface, schemas in an H2 file."""

from __future__ import annotations

import urllib.error

from infra.local.http import get_json
from infra.local.parts.base import Command, Context, java_command


class Registry:
    """Apicurio. Each write reaches the file before it is answered, so that ids hold across a kill."""

    name = "registry"
    ports = ("registry",)

    def prepare(self, context: Context) -> None:
        """Unpack the application."""
        context.folder(self.name)
        context.unpacked(self.name)

    def command(self, context: Context) -> Command:
        """``java -jar apicurio-registry-app-…-runner.jar``."""
        database = context.folder(self.name) / "registry"
        settings = {
            "quarkus.http.host": context.listen,
            "quarkus.http.port": context.ports["registry"],
            "quarkus.log.level": "WARN",
            "quarkus.banner.enabled": "false",
            "apicurio.storage.kind": "sql",
            "apicurio.storage.sql.kind": "h2",
            "apicurio.datasource.url": f"jdbc:h2:file:{database};FILE_LOCK=FS;WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE",
        }
        (runner,) = context.unpacked(self.name).glob("apicurio-registry-app-*-runner.jar")
        flags = tuple(f"-D{key}={value}" for key, value in settings.items())
        return java_command(context, heap_mb=context.options.registry_heap_mb, flags=flags, main=("-jar", str(runner)))

    def trouble(self, context: Context) -> str | None:
        """Whether the Confluent-compatible interface lists subjects."""
        try:
            get_json(f"{context.registry_url}/apis/ccompat/v7/subjects")
        except (urllib.error.URLError, OSError, ValueError) as error:
            return f"does not answer ({getattr(error, 'reason', None) or type(error).__name__})"
        return None
