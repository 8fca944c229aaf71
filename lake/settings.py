"""Settings: one typed file (``lake.toml``), overridden by ``LAKE_*`` environment variables, read once.

Each field below is one setting. Its file key is the field's name, its variable ``LAKE_`` and the name in capitals.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, get_type_hints

from lake.kafka_auth import CHOICES, NONE
from schemas.errors import LakeError

ENVIRONMENT_PREFIX: Final = "LAKE_"
CONFIG_VARIABLE: Final = "LAKE_CONFIG"
CONFIG_FILE: Final = "lake.toml"
_WORDS: Final = {"spark_profile": ("small", "large"), "log_format": ("text", "json")}
"""Settings that take one of a few words."""


class SettingsError(LakeError):
    """A setting is unknown or of the wrong type; names the key, the place and the nearest valid key."""


def _setting(default: Any, unit: str, description: str, minimum: float | None = None) -> Any:
    return field(default=default, metadata={"unit": unit, "description": description, "minimum": minimum})


@dataclass(frozen=True)
class Settings:
    """All settings, valid once made.

    Raises:
        SettingsError: a value is below its minimum.
    """

    home: Path = _setting(Path(".lake"), "folder", "all state: stack, lake, warehouse, logs, pids")
    cache: Path = _setting(Path("~/.cache/medallion-lake"), "folder", "downloaded JVM parts, shared by all clones")
    maven_url: str = _setting("https://repo1.maven.org/maven2", "URL", "Maven repository of the JVM parts")
    pipeline: str = _setting("retail", "name", "the pipeline that commands work on without --pipeline")
    pipelines: str = _setting("", "folders", f"where pipelines of your own lie, separated by {os.pathsep!r}")
    lake_uri: str = _setting("", "URI", "the pipeline's lake elsewhere: s3://…; without: a folder in home")
    catalog_uri: str = _setting("", "glue", "the catalog of a lake elsewhere; without: an SQLite file in home")
    kafka_bootstrap: str = _setting("", "HOST:PORT,…", "brokers elsewhere; without: the embedded broker")
    kafka_auth: str = _setting(NONE, " or ".join(CHOICES), "how Kafka's clients log in; iam is MSK's")
    registry: str = _setting("", "address", "a schema registry elsewhere: a URL or glue; without: the embedded one")
    warehouse_uri: str = _setting(
        "", "URI", "the warehouse: postgresql://…, redshift://… or redshift-data://…; without: a DuckDB file in home"
    )
    containers: str = _setting("", "folder", "inside a container: what all of the stack's containers see; else empty")
    copy_role: str = _setting("", "ARN", "IAM role that Redshift's COPY reads load files with, or default")
    spark_cores: int = _setting(2, "cores", "cores of the local Spark session", 1)
    spark_profile: str = _setting(
        "small", "small or large", "small: starts fast, for up to some 100,000 rows a run; large: compiles everything"
    )
    spark_memory: str = _setting("3g", "JVM size", "memory of the local Spark session")
    trigger_seconds: float = _setting(60.0, "seconds", "time between the streaming job's micro-batches", 1)
    max_offsets_per_trigger: int = _setting(500_000, "records", "most records that one micro-batch takes", 1)
    topic_partitions: int = _setting(4, "partitions", "partitions of each change topic", 1)
    topic_retention_days: float = _setting(7.0, "days", "how long change topics keep their records", 0.01)
    environment: str = _setting(
        "local", "name", "the environment that metrics and lineage are told under: dev, prod, …"
    )
    lineage_uri: str = _setting(
        "", "URI", "where OpenLineage events go: http(s)://host:port, file:///<file> or console; without: nowhere"
    )
    log_format: str = _setting("text", "text or json", "how lines of HOME/logs/lake.log are written")
    start_timeout_seconds: float = _setting(120.0, "seconds", "how long a part of the stack may take to start", 1)
    stop_grace_seconds: float = _setting(20.0, "seconds", "how long a part may take to end before it is killed", 0)
    broker_heap_mb: int = _setting(512, "MiB", "heap of the Kafka broker", 128)
    registry_heap_mb: int = _setting(256, "MiB", "heap of the schema registry", 128)
    connect_heap_mb: int = _setting(768, "MiB", "heap of Kafka Connect", 256)

    def __post_init__(self) -> None:
        """Check the minima and the choices."""
        for name, words in _WORDS.items():
            if getattr(self, name) not in words:
                raise SettingsError(
                    f"{getattr(self, name)!r} is none of its words",
                    where=f"setting {name}",
                    remedy=f"give {' or '.join(words)}, in {CONFIG_FILE} or {variable(name)}",
                )
        if self.kafka_auth not in CHOICES:
            raise SettingsError(
                f"{self.kafka_auth!r} is no way to log in to Kafka",
                where="setting kafka_auth",
                remedy=f"give {' or '.join(CHOICES)}, in {CONFIG_FILE} or {variable('kafka_auth')}",
            )
        for item in dataclasses.fields(self):
            minimum, value = item.metadata["minimum"], getattr(self, item.name)
            if minimum is not None and not value >= minimum:
                raise SettingsError(
                    f"{value} is below the least possible value, {minimum}",
                    where=f"setting {item.name}",
                    remedy=f"give {minimum} or more {item.metadata['unit']}, in {CONFIG_FILE} or {variable(item.name)}",
                )

    @property
    def search_path(self) -> tuple[Path, ...]:
        """The folders of `pipelines`."""
        return tuple(Path(part).expanduser() for part in self.pipelines.split(os.pathsep) if part)


def variable(key: str) -> str:
    """The environment variable of a setting."""
    return ENVIRONMENT_PREFIX + key.upper()


def load_settings(environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """Read the settings file, then the environment.

    Args:
        environment: default ``os.environ``; ``LAKE_CONFIG`` names another file than ``lake.toml``.
        folder: where ``lake.toml`` is looked for; default the working folder.

    Raises:
        SettingsError: unknown key, wrong type, unreadable file, or a named file that is not there.
    """
    environment = os.environ if environment is None else environment
    values = {**_from_file(environment, folder or Path.cwd()), **_from_environment(environment)}
    return Settings(**values)


def _from_file(environment: Mapping[str, str], folder: Path) -> dict[str, Any]:
    named = environment.get(CONFIG_VARIABLE)
    path = Path(named).expanduser() if named else folder / CONFIG_FILE
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named:
            raise SettingsError("no such file", where=str(path), remedy=f"correct or unset {CONFIG_VARIABLE}") from None
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"is not TOML: {error}", where=str(path), remedy="correct that place") from error
    except OSError as error:
        raise SettingsError(f"cannot be read ({error.strerror})", where=str(path), remedy="check its rights") from error
    return {key: _typed(key, value, str(path)) for key, value in content.items()}


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    given = {key: environment[variable(key)] for key in setting_types() if environment.get(variable(key))}
    return {key: _parsed(key, text) for key, text in given.items()}


def setting_types() -> dict[str, type]:
    """Each setting's type, by name."""
    hints = get_type_hints(Settings)
    return {item.name: hints[item.name] for item in dataclasses.fields(Settings)}


def _typed(key: str, value: object, where: str) -> Any:
    """The value of a file's key as its setting's type."""
    types = setting_types()
    if key not in types:
        near = difflib.get_close_matches(key, types, n=1, cutoff=0.5)
        remedy = f"did you mean {near[0]}?" if near else "`lake settings` lists all settings"
        raise SettingsError(f"unknown setting {key!r}", where=where, remedy=remedy)
    wanted = types[key]
    if wanted is Path and isinstance(value, str):
        return Path(value).expanduser()
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, wanted) and not isinstance(value, bool):
        return value
    kind = type(value).__name__
    raise SettingsError(
        f"{key} must be {_TYPE_NAMES[wanted]}, not {kind}", where=where, remedy=f"for example: {key} = {_example(key)}"
    )


def _parsed(key: str, text: str) -> Any:
    """The text of an environment variable as its setting's type."""
    wanted = setting_types()[key]
    try:
        return Path(text).expanduser() if wanted is Path else wanted(text)
    except ValueError:
        raise SettingsError(
            f"must be {_TYPE_NAMES[wanted]}, not {text!r}",
            where=f"environment variable {variable(key)}",
            remedy=f"for example: {variable(key)}={_example(key)}",
        ) from None


_TYPE_NAMES: Final[dict[type, str]] = {Path: "a path", str: "a text", int: "a whole number", float: "a number"}


def _example(key: str) -> str:
    default = next(item.default for item in dataclasses.fields(Settings) if item.name == key)
    return f'"{default}"' if isinstance(default, str | Path) else str(default)


@dataclass(frozen=True)
class SettingRow:
    """One setting as `lake settings` shows it."""

    key: str
    value: str
    default: str
    unit: str
    variable: str
    description: str


def table(settings: Settings) -> list[SettingRow]:
    """All settings with their present values."""
    return [
        SettingRow(
            key=item.name,
            value=str(getattr(settings, item.name)),
            default=str(item.default),
            unit=item.metadata["unit"],
            variable=variable(item.name),
            description=item.metadata["description"],
        )
        for item in dataclasses.fields(settings)
    ]
