"""Manifests survive JSON, and refuse to be contradictory or damaged."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.manifests import (
    Covered,
    LandedFile,
    LandingManifest,
    LoadManifest,
    LoadTable,
    ManifestError,
    RaisedEpoch,
    WrittenFile,
    check_successor,
    seq_name,
    seq_of,
)

FIRST = LandingManifest(
    pipeline="retail",
    table="customer",
    topic="retail.customer.cdc",
    epoch=0,
    seq=1,
    attempt="a1",
    ranges={0: (0, 3), 1: (5, 5)},
    files=(LandedFile("landing/customer/x.parquet", 2, 100, "7", "6"),),
    dead_letters=(WrittenFile("deadletters/x.parquet", 1, 50),),
    schemas={"6": "a.avsc", "7": "b.avsc"},
    committed_at="2024-05-01T00:00:00.000Z",
    topic_id="t",
)
_DIM = LoadTable("m", (WrittenFile("f", 2, 9),), (WrittenFile("d", 1, 7),))
_OFFSETS = {"customer": Covered(1, {0: 12, 10: 3}), "order": Covered(0, {0: 0})}
LOAD = LoadManifest("retail", 3, "a", {"customer": 4}, {"dim": _DIM}, "now", _OFFSETS)

RAISED = RaisedEpoch("customer", 2, "retail.customer.cdc", "t", "why", 7, {0: 3, 1: 5}, "now")


def changed(manifest: LandingManifest | LoadManifest | RaisedEpoch, **fields: Any) -> str:
    return json.dumps({**json.loads(manifest.to_json()), **fields})


def test_landing_manifest_survives_json() -> None:
    assert LandingManifest.from_json(FIRST.to_json()) == FIRST


def test_load_manifest_survives_json() -> None:
    assert LoadManifest.from_json(LOAD.to_json()) == LOAD


def test_the_ledger_holds_progress_and_offsets() -> None:
    told = json.loads(LOAD.ledger_progress)
    assert told == {"customer": 4, "kafka offsets": "customer:1:0:12 customer:1:10:3 order:0:0:0"}
    assert json.loads(replace(LOAD, offsets={}).ledger_progress) == {"customer": 4}
    many = replace(LOAD, offsets={"customer": Covered(0, dict.fromkeys(range(9_000), 1))})
    assert json.loads(many.ledger_progress) == {"customer": 4}


def test_a_load_manifest_without_offsets_has_none_and_wrong_ones_are_refused() -> None:
    older = json.loads(LOAD.to_json())
    del older["offsets"]
    assert LoadManifest.from_json(json.dumps(older)) == replace(LOAD, offsets={})
    refused: list[Any] = [{"customer": {"epoch": 0}}, {"c": {"epoch": 0, "committed": {"x": 1}}}, {"c": []}]
    for wrong in refused:
        with pytest.raises(ManifestError):
            LoadManifest.from_json(changed(LOAD, offsets=wrong))
    with pytest.raises(ManifestError, match="negative"):
        LoadManifest.from_json(changed(LOAD, offsets={"c": {"epoch": 0, "committed": {"0": -1}}}))


def test_a_load_manifest_that_names_no_facts_set_aside_has_none() -> None:
    older = json.loads(LOAD.to_json())
    del older["tables"]["dim"]["dead_letters"]
    assert LoadManifest.from_json(json.dumps(older)).tables["dim"].dead_letters == ()


def test_a_raised_epoch_survives_json() -> None:
    assert RaisedEpoch.from_json(RAISED.to_json()) == RAISED


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"version": 2}, "version 2"),
        ({"epoch": 0}, "1 or later"),
        ({"from": {"seq": 1}}, "from: field committed is missing"),
        ({"from": {"seq": 1, "committed": {"0": "3"}}}, "not an integer"),
        ({"from": {"seq": 1, "committed": {"a": 3}}}, "no number"),
    ],
)
def test_a_damaged_raised_epoch_names_the_field(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        RaisedEpoch.from_json(changed(RAISED, **fields), where="here.json")


def test_counts_and_committed_offsets_follow_from_files_and_ranges() -> None:
    assert (FIRST.rows, FIRST.dead_letter_rows, FIRST.committed) == (2, 1, {0: 3, 1: 5})


@given(st.integers(min_value=1, max_value=10**12 - 1))
def test_names_sort_as_sequences(seq: int) -> None:
    assert seq_of(f"folder/{seq_name(seq)}") == seq
    assert seq_name(seq - 1) < seq_name(seq)


@pytest.mark.parametrize("name", ["1.json", "x.json", "0000000000001.json", "000000000001.txt"])
def test_foreign_names_are_named(name: str) -> None:
    with pytest.raises(ManifestError, match=name):
        seq_of(name)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"version": 2}, "version 2"),
        ({"seq": "1"}, "field seq is str, not int"),
        ({"seq": True}, "field seq is bool"),
        ({"ranges": {"0": [3, 1]}}, "runs back"),
        ({"ranges": {"0": [0]}}, "ranges.0 is not"),
        ({"ranges": {"a": [0, 1]}}, "not a partition"),
        ({"rows": 9}, "rows is not the sum"),
        ({"dead_letter_rows": 9}, "dead_letter_rows is not the sum"),
        ({"schemas": {"7": "b"}}, r"does not name: \['6'\]"),
        ({"schemas": {"7": 1, "6": "a"}}, "not text"),
        ({"files": [{"path": "p"}]}, r"files\[0\]: field rows is missing"),
        ({"attempt": ""}, "attempt is empty"),
    ],
)
def test_a_damaged_landing_manifest_names_the_field(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ManifestError, match=message) as caught:
        LandingManifest.from_json(changed(FIRST, **fields), where="here.json")
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_what_is_no_object_is_named(text: str) -> None:
    with pytest.raises(ManifestError, match=r"here\.json"):
        LandingManifest.from_json(text, where="here.json")


def test_a_missing_field_is_named() -> None:
    body = json.loads(LOAD.to_json())
    del body["progress"]
    with pytest.raises(ManifestError, match="field progress is missing"):
        LoadManifest.from_json(json.dumps(body))


def test_more_rows_than_offsets_are_refused() -> None:
    with pytest.raises(ManifestError, match="3 rows written out of 2 offsets"):
        replace(FIRST, ranges={0: (0, 2)})


NEXT = replace(FIRST, seq=2, ranges={0: (3, 6), 1: (5, 7), 2: (0, 4)})


def test_a_successor_starts_where_the_last_one_ended_and_may_add_partitions() -> None:
    check_successor(None, FIRST)
    check_successor(FIRST, NEXT)


@pytest.mark.parametrize(
    ("following", "message"),
    [
        (replace(NEXT, seq=3), "seq is 3, the next one is 2"),
        (replace(NEXT, ranges={0: (4, 7), 1: (5, 7)}), "partition 0 starts at 4, the last range ended at 3"),
        (replace(NEXT, ranges={0: (2, 6), 1: (5, 7)}), "partition 0 starts at 2"),
        (replace(NEXT, ranges={0: (3, 6)}), "partition 1 is forgotten"),
        (replace(NEXT, table="order"), "follows a manifest of table customer"),
    ],
)
def test_a_gap_an_overlap_or_a_forgotten_partition_is_refused(following: LandingManifest, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        check_successor(FIRST, following)


def test_a_new_epoch_starts_its_ranges_afresh_and_does_not_run_back() -> None:
    raised = replace(NEXT, epoch=1, ranges={0: (0, 6)})
    check_successor(FIRST, raised)
    with pytest.raises(ManifestError, match="epoch runs back"):
        check_successor(raised, replace(FIRST, seq=3))
