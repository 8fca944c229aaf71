"""Dead letters of both hops are listed without a value of the data, and shown whole when asked for."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote, urlparse

import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg
from glue_jobs.redrive import main
from glue_jobs.staging import promote_staging
from lake.catalog import CatalogError, find_table
from lake.cli.dlq import command
from lake.deadletters.letters import OPEN
from lake.deadletters.reading import Stores, UnknownDeadLetterError, Wanted, dead_letters, shown
from lake.deadletters.settling import chosen
from lake.home import Home
from lake.reconcile.staging import check_staging
from lake.store import store_for
from schemas.errors import LakeError
from schemas.manifests import LandingManifest, WrittenFile, seq_name
from schemas.model import Check
from streaming.registry import RegistryUnavailableError
from streaming.settle import Settler
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
    assert [letter.id for letter in dead_letters(stores, Wanted(reason="null:"))] == ["item/0/0/3"]
    assert [letter.id for letter in dead_letters(stores, Wanted(("item",), reason="unknown"))] == ["item/0/1/7"]


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


def test_each_landed_change_is_once_in_the_change_log_or_in_quarantine(
    spark: SparkSession, stores: Stores, tmp_path: Path
) -> None:
    (sound,) = check_staging(spark, stores.store, stores.pipeline)
    assert (sound.compared, sound.differences) == (3, 0)
    log, quarantine = "lake.`deadletters_staging`.`item`", "lake.`deadletters_staging`.`item_quarantine`"
    # A record in both, one in neither, one twice, and one that nobody landed: each counts.
    snapshots = {name: iceberg.load(spark, name).currentSnapshot().snapshotId() for name in (log, quarantine)}
    bad = spark.table(quarantine).where("_ingest_seq = 1")
    both = spark.table(log).withColumn("_offset", F.lit(bad.agg(F.min("_offset")).collect()[0][0]))
    both.unionByName(spark.table(log).withColumn("_offset", F.lit(999).cast("bigint"))).writeTo(log).append()
    spark.sql(f"DELETE FROM {quarantine} WHERE _offset = (SELECT max(_offset) FROM {quarantine} WHERE _ingest_seq = 1)")
    try:
        (found,) = check_staging(spark, stores.store, stores.pipeline)
        assert found.detail == "1 in neither, 1 more than once, 1 that never landed"
        assert (found.compared, found.differences) == (3, 3)
    finally:
        for name, snapshot in snapshots.items():
            spark.sql(f"CALL lake.system.rollback_to_snapshot('{name.removeprefix('lake.')}', {snapshot})")


@pytest.fixture
def dlq(
    stores: Stores, tmp_path: Path, lake_root: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str]]:
    """Runs `lake dlq` on the lake, and gives its exit code and answer."""
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

    def run(*words: str) -> tuple[int, str]:
        # As `lake` itself runs it: the command's answer is the exit code.
        done = CliRunner().invoke(command, [*words, "--pipeline", "deadletters"], standalone_mode=False)
        if isinstance(done.exception, click.UsageError):
            return done.exception.exit_code, ""
        assert done.exception is None, done.exception
        return done.return_value, done.stdout

    return run


def test_the_command_answers_in_text_and_json(dlq: Callable[..., tuple[int, str]]) -> None:
    found = json.loads(dlq("list", "--json")[1])
    assert [item["id"] for item in found] == ["item/0/1/7", "item/0/0/2", "item/0/0/3"]
    text = dlq("list", "--limit", "1")[1]
    assert "… and 2 more" in text
    assert "by reason:" in text
    assert "price > 0" in dlq("show", "item/0/0/2")[1]
    assert [item["hop"] for item in json.loads(dlq("list", "--hop", "landing", "--json")[1])] == ["landing"]


def test_letters_are_redriven_and_discarded_once_and_keep_their_record(
    dlq: Callable[..., tuple[int, str]],
    stores: Stores,
    lake_root: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def states() -> list[tuple[str, str, str]]:
        found = json.loads(dlq("list", "--state", "all", "--json")[1])
        return [(item["id"], item["state"], item.get("settled_reason", "")) for item in found]

    assert [item["id"] for item in json.loads(dlq("redrive", "--reason", "price", "--dry-run", "--json")[1])] == [
        "item/0/0/2"
    ]
    assert {state for _, state, _ in states()} == {"open"}
    code, answer = dlq("redrive", "--id", "item/0/0/02", "--note", "allowed now", "--json")
    (outcome,) = json.loads(answer)
    assert (code, outcome["hop"], outcome["settled"], outcome["seq"]) == (0, "staging", 1, 2)
    assert dlq("redrive", "--id", "item/0/0/2") == (0, "no open dead letters are chosen\n")
    assert dlq("discard", "--hop", "landing", "--note", " ")[0] == 2
    assert dlq("discard", "--note", "all")[0] == 2
    code, answer = dlq("discard", "--hop", "landing", "--note", "test data")
    assert (code, answer) == (0, "1 discarded\n")
    assert states() == [
        ("item/0/1/7", "discarded", "test data"),
        ("item/0/0/2", "redriven", "allowed now"),
        ("item/0/0/3", "open", ""),
    ]
    with pytest.raises(UnknownDeadLetterError):
        chosen(stores, Wanted(ids=("item/0/0/99",)))
    assert json.loads(dlq("show", "item/0/1/7", "--json")[1])["state"] == "discarded"

    job = ["job", "--pipeline", "deadletters", "--contracts", str(tmp_path / "pipelines")]
    job += ["--lake-uri", stores.store.uri, "--catalog-uri", f"jdbc:sqlite:{lake_root}/catalog.db"]
    assert main([*job, "--hops", "staging", "--dry-run", "true"]) == 0
    assert json.loads(capsys.readouterr().out) == {"open": 1}
    assert main([*job, "--hops", "staging", "--note", "once more"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert (json.loads(line)["settled"], json.loads(line)["seq"]) == (1, 4)
    with pytest.raises(LakeError, match="no hop 'stagin'"):
        main([*job, "--hops", "stagin"])


def test_what_cannot_be_settled_stays_open_and_is_told(
    dlq: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: Settler, _letters: object) -> None:
        raise RegistryUnavailableError("does not answer", where="here", remedy="start it")

    monkeypatch.setattr(Settler, "settle", fail)
    monkeypatch.setattr("lake.deadletters.reading.RecordFates.fate", lambda *_: OPEN)
    code, answer = dlq("redrive", "--hop", "landing", "--json")
    (outcome,) = json.loads(answer)
    assert (code, outcome["chosen"], outcome["settled"]) == (1, 1, 0)
    assert "does not answer" in outcome["error"]


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
