"""The newest manifest is found without reading or listing what came before."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from lake.store import LocalStore
from schemas.errors import CommitConflictError
from schemas.manifests import LandingManifest, ManifestError
from streaming import manifest_log

ONE = LandingManifest("retail", "customer", "t", 0, 1, "a", {0: (0, 5)})


@dataclass
class NamesOnly:
    """A store of so many manifests, first to last; counts the names it hands out."""

    first: int
    last: int
    uri: str = "memory:"
    names: int = 0
    calls: int = field(default=0)

    def list(self, prefix: str, *, after: str = "", limit: int | None = None) -> list[str]:  # noqa: ARG002
        self.calls += 1
        start = max(self.first, int(after.rsplit("/", 1)[-1].removesuffix(".json")) + 1)
        end = self.last + 1 if limit is None else min(self.last + 1, start + limit)
        found = [manifest_log.key("customer", seq) for seq in range(start, end)]
        self.names += len(found)
        return found


@pytest.mark.parametrize("last", [1, 2, 1023, 1024, 1025, 5000, 500_000])
@pytest.mark.parametrize("first", [1, 900])
def test_the_newest_sequence_is_found_among_few_names(first: int, last: int) -> None:
    store = NamesOnly(first, max(first, last))
    assert manifest_log.newest_seq(store, "customer") == max(first, last)  # type: ignore[arg-type]
    assert store.names <= 2048 + 100
    assert store.calls <= 3 + 2 * math.ceil(math.log2(last + 1024))


def test_before_the_first_there_is_none(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    assert manifest_log.newest(store, "customer") is None
    assert list(manifest_log.after(store, "customer", 0)) == []


def test_committed_manifests_come_in_order_after_a_sequence(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    two = replace(ONE, seq=2, ranges={0: (5, 9)})
    manifest_log.commit(store, None, ONE)
    manifest_log.commit(store, ONE, two)
    assert manifest_log.newest(store, "customer") == two
    assert list(manifest_log.after(store, "customer", 0)) == [ONE, two]
    assert list(manifest_log.after(store, "customer", 1)) == [two]


def test_a_second_writer_is_refused_and_the_first_manifest_stands(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    manifest_log.commit(store, None, ONE)
    with pytest.raises(CommitConflictError, match="another job has committed batch 1 of table customer"):
        manifest_log.commit(store, None, replace(ONE, attempt="b"))
    assert manifest_log.newest(store, "customer") == ONE


def test_a_manifest_that_leaves_a_gap_is_not_created(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    manifest_log.commit(store, None, ONE)
    with pytest.raises(ManifestError, match="starts at 6"):
        manifest_log.commit(store, ONE, replace(ONE, seq=2, ranges={0: (6, 9)}))
    assert manifest_log.newest_seq(store, "customer") == 1
