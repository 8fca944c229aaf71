"""Where a command works: in LAKE_HOME on the embedded stack, or where settings say."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.errors import StackDownError
from lake.cli._base import App
from lake.cli.demo import _embedded
from lake.cli.stream import settings_of
from lake.settings import Settings

ELSEWHERE = {
    "lake_uri": "s3://bucket/retail/",
    "catalog_uri": "glue",
    "kafka_bootstrap": "b-1.x.kafka.eu-west-1.amazonaws.com:9098",
    "kafka_auth": "iam",
    "registry": "glue:eu-west-1",
    "warehouse_uri": "redshift-data://workgroup/retail/dev",
}


def test_without_settings_everything_is_in_home_and_of_the_embedded_stack(tmp_path: Path) -> None:
    app = App(Settings(home=tmp_path))
    assert app.lake_uri == (tmp_path / "lake" / "retail").as_uri()
    assert app.catalog_uri == f"jdbc:sqlite:{tmp_path}/catalog/retail.db"
    assert app.quality_uri == (tmp_path / "quality" / "retail").as_uri()
    for place in ("bootstrap", "registry"):
        with pytest.raises(StackDownError):
            getattr(app, place)


def test_a_lake_and_brokers_elsewhere_need_no_stack(tmp_path: Path) -> None:
    app = App(Settings(home=tmp_path, **ELSEWHERE))  # type: ignore[arg-type]
    found = settings_of(app)
    assert (found.lake_uri, found.bootstrap, found.registry, found.kafka_auth) == (
        "s3://bucket/retail",
        ELSEWHERE["kafka_bootstrap"],
        "glue:eu-west-1",
        "iam",
    )
    assert (app.catalog_uri, app.quality_uri) == ("glue", None)
    assert not list(tmp_path.iterdir())


def test_the_demonstration_touches_nothing_elsewhere(tmp_path: Path) -> None:
    own = _embedded(App(Settings(home=tmp_path, **ELSEWHERE)))  # type: ignore[arg-type]
    assert own == Settings(home=tmp_path / "demo")
