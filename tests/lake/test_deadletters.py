"""Dead letters of both hops are listed without a value of the data, and shown whole when asked for."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote, urlparse

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from glue_jobs.staging import promote_staging
from lake.catalog import CatalogError, find_table
from lake.cli.dlq import command
from lake.deadletters import Stores, UnknownDeadLetterError, dead_letters, shown
from lake.home import Home
from lake.store import store_for
from schemas.manifests import LandingManifest, WrittenFile, seq_name
from schemas.model import Check
from tests.glue_jobs.items import SOURCE, contract, create, pipeline_of
from tests.support.landed import at, land

PRICED = Check("price_positive", "price > 0")


@pytest.fixture(scope="module")
def stores(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, lake_root: Path) -> Stores:
    """A lake with two quarantined changes and one undecodable record."""
    root = tmp_path_factory.mktemp("deadletters")
    source = contract("deadletters", checks=(PRICED,))
    pipeline = pipeline_of(source)
    events = [create(1), create(2, price=Decimal(0)), create(3, label="s3cret too long")]
    manifest = land(spark, root, source.pipeline, 1, [(SOURCE, events)])
    file = "deadletters/landing/item/batch=1-x/part.parquet"
    (root / file).parent.mkdir(parents=True)
    rows = {
        "_topic": ["t"], "_kafka_partition": pa.array([1], pa.int32()), "_offset": [7], "_kafka_ts": [at(5)],
        "_headers": [None], "raw_key": [b"k"], "raw_value": [b"s3cret"], "reason": ["unknown_magic"], "detail": ["no header"],
        "_epoch": pa.array([0], pa.int32()),
    }  # fmt: skip
    pq.write_table(pa.table(rows), root / file)
    body = json.loads(manifest.to_json())
    body["dead_letters"] = [{"path": file, "rows": 1, "bytes": (root / file).stat().st_size}]
    body["dead_letter_rows"] = 1
    body["ranges"] = {"0": [0, 1000], "1": [0, 1000]}
    text = LandingManifest.from_json(json.dumps(body)).to_json()
    (root / "landing/_manifests/item" / seq_name(1)).write_text(text)
    assert WrittenFile(file, 1, 1).rows == 1
    (outcome,) = promote_staging(spark, pipeline, root.as_uri())
    assert (outcome.error, outcome.quarantined) == (None, 2)
    return Stores(pipeline, store_for(root.as_uri()), f"jdbc:sqlite:{lake_root}/catalog.db")


def test_both_hops_are_listed_with_place_and_reasons(stores: Stores) -> None:
    found = [(letter.hop, letter.id, letter.reasons) for letter in dead_letters(stores)]
    assert found == [
        ("landing", "item/0/1/7", ("unknown_magic",)),
        ("staging", "item/0/0/2", ("price_positive",)),
        ("staging", "item/0/0/3", ("type:label", "null:label")),
    ]
    assert "s3cret" not in json.dumps([letter.to_json() for letter in dead_letters(stores)])


def test_a_reason_may_be_cut_short(stores: Stores) -> None:
    assert [letter.id for letter in dead_letters(stores, reason="null:")] == ["item/0/0/3"]
    assert [letter.id for letter in dead_letters(stores, ("item",), "unknown")] == ["item/0/1/7"]


def test_one_is_shown_without_values_unless_asked(stores: Stores) -> None:
    plain = shown(stores, "item/0/1/7", raw=False)
    assert plain["detail"] == "no header"
    assert "raw_value" not in plain
    assert base64.b64decode(shown(stores, "item/0/1/7", raw=True)["raw_value"]) == b"s3cret"
    assert shown(stores, "item/0/0/2", raw=False)["detail"] == "price > 0"
    assert "s3cret" not in json.dumps(shown(stores, "item/0/0/3", raw=False))
    envelope = json.loads(shown(stores, "item/0/0/3", raw=True)["envelope"])
    assert envelope["after"]["label"] == "s3cret too long"


@pytest.mark.parametrize("identifier", ["item/0/0/99", "item", "nothing/0/0/1", "item/0/0/x' OR 1=1"])
def test_an_unknown_id_is_named(stores: Stores, identifier: str) -> None:
    with pytest.raises(UnknownDeadLetterError) as caught:
        shown(stores, identifier, raw=False)
    assert "lake dlq list" in str(caught.value)


def test_a_quarantined_row_beyond_the_progress_does_not_count(spark: SparkSession, stores: Stores) -> None:
    table = "lake.`deadletters_staging`.`item_quarantine`"
    row = spark.table(table).limit(1).withColumn("_ingest_seq", F.col("_ingest_seq") + 100)
    row.writeTo(table).append()
    assert len(list(dead_letters(stores))) == 3


def test_the_command_answers_in_text_and_json(
    stores: Stores, tmp_path: Path, lake_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(unquote(urlparse(stores.store.uri).path))
    folder = tmp_path / "pipelines" / "deadletters" / "sources"
    folder.mkdir(parents=True)
    (folder.parent / "pipeline.yaml").write_text("pipeline: deadletters\n")
    (folder / "item.yaml").write_text(
        "table: item\ntopic: t\nkey: [item_id]\ncolumns:\n  item_id: {type: bigint, nullable: false}\n"
    )
    monkeypatch.setenv("LAKE_PIPELINES", str(tmp_path / "pipelines"))
    monkeypatch.setattr(Home, "lake_uri", lambda _self, _name: root.as_uri())
    monkeypatch.setattr(Home, "catalog_uri", lambda _self, _name: f"jdbc:sqlite:{lake_root}/catalog.db")
    listed = CliRunner().invoke(command, ["list", "--pipeline", "deadletters", "--json"])
    assert [item["id"] for item in json.loads(listed.stdout)] == ["item/0/1/7", "item/0/0/2", "item/0/0/3"]
    text = CliRunner().invoke(command, ["list", "--pipeline", "deadletters", "--limit", "1"]).stdout
    assert "… and 2 more" in text
    assert "by reason:" in text
    one = CliRunner().invoke(command, ["show", "item/0/0/2", "--pipeline", "deadletters"]).stdout
    assert "price > 0" in one


def test_a_lake_that_was_never_promoted_has_no_quarantine(tmp_path: Path) -> None:
    assert find_table(f"jdbc:sqlite:{tmp_path}/none.db", "a", "b") is None
    (tmp_path / "empty.db").touch()
    assert find_table(f"jdbc:sqlite:{tmp_path}/empty.db", "a", "b") is None


def test_a_catalog_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "damaged.db").write_text("no database at all, though long enough to be one")
    with pytest.raises(CatalogError, match="damaged"):
        find_table(f"jdbc:sqlite:{tmp_path}/damaged.db", "a", "b")
    with pytest.raises(CatalogError, match="neither"):
        find_table("postgres://x", "a", "b")
