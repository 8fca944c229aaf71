"""Whatever is set aside, mended, redriven, discarded or killed, in whatever order: every record is in one place.

The landing zone is made here, without Spark: files hold Kafka coordinates alone. Whether a record can be decoded is
drawn; the manifests, the copying of landed rows, the conflicts and the account are the real ones.
"""

from __future__ import annotations

import io
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glue_jobs.curated.redrives import Redrives
from lake.deadletters import load_log
from lake.deadletters.fates import LoadFates, RecordFates
from lake.deadletters.letters import DeadLetter, State
from lake.deadletters.settling import settled
from lake.reconcile.landing import Account, account, landing_manifests
from lake.store import LocalStore, Store
from schemas.errors import CommitConflictError
from schemas.manifests import LandedFile, LandingManifest, ManifestError, WrittenFile, seq_name
from schemas.settlements import Hop, LoadSettlement, Settlement, Verb, places_of, ranges_of
from streaming import manifest_log
from streaming.landing import Relanded
from streaming.settle import LetterGoneError, Letters, Place, Settler, chunks
from streaming.write import Attempt
from tests.support.landed import at


def written(store: Store, path: str, places: Iterable[Place]) -> WrittenFile:
    rows = sorted(places)
    columns = [pa.array([p for p, _ in rows], pa.int32()), pa.array([o for _, o in rows], pa.int64())]
    body = io.BytesIO()
    pq.write_table(pa.table(columns, names=["_kafka_partition", "_offset"]), body)
    store.write(path, body.getvalue())
    return WrittenFile(path, len(rows), len(body.getvalue()))


@dataclass
class Zone:
    """A landing zone, and what the model says of each record: undecodable ones and rejected ones have letters."""

    store: LocalStore
    bad: set[Place] = field(default_factory=set)
    letters: dict[tuple[Hop, Place], int] = field(default_factory=dict)
    fates: dict[tuple[Hop, Place], State] = field(default_factory=dict)
    next_offset: int = 0

    def batch(self, decodable: Sequence[bool], rejected: Sequence[bool]) -> None:
        """Lands the next records, some undecodable; hop 2 rejects some of the others."""
        start, last = self.next_offset, manifest_log.newest(self.store, "t")
        places = [(offset % 2, offset) for offset in range(start, start + len(decodable))]
        self.next_offset += len(decodable)
        seq = last.seq + 1 if last else 1
        good = [place for place, sound in zip(places, decodable, strict=True) if sound]
        dead = [place for place in places if place not in good]
        attempt = uuid.uuid4().hex[:6]
        folder = f"landing/t/year=2024/month=01/day=01/hour=00/batch={seq}-{attempt}"
        files = tuple(
            LandedFile(f.path, f.rows, f.bytes, "1")
            for n, part in enumerate((good[::2], good[1::2]))
            if part
            for f in [written(self.store, f"{folder}/part-{n}.parquet", part)]
        )
        letters = (written(self.store, f"deadletters/landing/t/batch={seq}-{attempt}/p.parquet", dead),) if dead else ()
        ranges = dict.fromkeys((0, 1), (start, self.next_offset) if places else (start, start))
        manifest = LandingManifest("p", "t", "t", 0, seq, attempt, ranges, files, letters, {"1": "1.avsc"})
        manifest_log.commit(self.store, last, manifest)
        self.bad |= set(dead)
        for place in dead:
            self._open(Hop.LANDING, place, seq)
        for place, refused in zip(good, rejected, strict=False):
            if refused:
                self._open(Hop.STAGING, place, seq)

    def _open(self, hop: Hop, place: Place, seq: int) -> None:
        self.letters[hop, place] = seq
        self.fates[hop, place] = State.OPEN

    def settle(self, settler: Settler, hop: Hop, places: Iterable[Place], refuses: Callable[[Place], bool]) -> None:
        """Settles letters, whatever their state, and does the same to the model; hop 2 then judges anew."""
        chosen = [place for place in places if (hop, place) in self.letters]
        done = settler.settle(Letters("t", hop, 0, {place: self.letters[hop, place] for place in chosen}))
        if done.manifest is None:
            assert all(self.fates[hop, place] is not State.OPEN for place in chosen)
            return
        for place in chosen:
            if self.fates[hop, place] is not State.OPEN:
                continue
            if settler.verb is Verb.DISCARD:
                self.fates[hop, place] = State.DISCARDED
                continue
            self.fates[hop, place] = State.REDRIVEN
            if hop is Hop.LANDING and place in self.bad:
                self._open(hop, place, done.manifest.seq)
            elif refuses(place):
                self._open(Hop.STAGING, place, done.manifest.seq)

    def check(self) -> None:
        manifests = landing_manifests(self.store, "t")
        found = account(self.store, manifests)
        mine = Counter(state for (hop, _), state in self.fates.items() if hop is Hop.LANDING)
        assert found.broken == 0
        assert (found.open, found.redriven, found.discarded) == tuple(mine[state] for state in State)
        fates = RecordFates.of(manifests)
        for (hop, place), seq in self.letters.items():
            assert fates.fate(hop, 0, *place, seq).state is self.fates[hop, place]


@dataclass(frozen=True)
class Decoding(Settler):
    """Decodes by what the zone says of each record; its files hold coordinates."""

    bad: frozenset[Place] = frozenset()

    def _decoded(self, _: LandingManifest, letters: Letters, attempt: Attempt) -> Relanded:
        bad = sorted(set(letters.seqs) & self.bad)
        good = sorted(set(letters.seqs) - self.bad)
        path = f"landing/t/year=2024/month=01/day=01/hour=00/batch={attempt.landed}/p.parquet"
        files = [written(self.store, path, good)] if good else []
        dead = [written(self.store, f"{attempt.dead_letters}/p.parquet", bad)] if bad else []
        landed = tuple(LandedFile(file.path, file.rows, file.bytes, "1") for file in files)
        return Relanded(landed, tuple(dead), {"1": "1.avsc"} if files else {})


class KilledError(Exception):
    """The process dies here."""


@dataclass(frozen=True)
class Dying(LocalStore):
    """A store whose process dies at the write so many."""

    writes: list[int] = field(default_factory=list)

    def write(self, key: str, data: bytes) -> None:
        """See `Store.write`."""
        self._count()
        super().write(key, data)

    def create_if_absent(self, key: str, data: bytes) -> bool:
        """See `Store.create_if_absent`."""
        self._count()
        return super().create_if_absent(key, data)

    def _count(self) -> None:
        self.writes[0] -= 1
        if self.writes[0] < 0:
            raise KilledError


BOOLS = st.lists(st.booleans(), min_size=1, max_size=6)


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_every_letter_is_settled_once_whatever_happens(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        zone = Zone(LocalStore(Path(folder)))
        zone.batch(data.draw(BOOLS), data.draw(BOOLS))
        for _ in range(data.draw(st.integers(1, 6))):
            act(zone, data)
            zone.check()


def act(zone: Zone, data: st.DataObject) -> None:
    every = sorted({place for _, place in zone.letters})
    some = data.draw(st.lists(st.sampled_from(every), unique=True)) if every else []
    action = data.draw(st.sampled_from(["batch", "mend", "redrive", "redrive", "discard", "killed"]))
    hop = data.draw(st.sampled_from([Hop.LANDING, Hop.STAGING]))
    refused = frozenset(place for place in some if data.draw(st.booleans()))
    verb = Verb.DISCARD if action == "discard" else Verb.REDRIVE
    settler = Decoding(zone.store, verb, "ada", "why", bad=frozenset(zone.bad))
    if action == "batch":
        zone.batch(data.draw(BOOLS), data.draw(BOOLS))
    elif action == "mend":
        zone.bad -= set(some)
    elif action == "killed":
        dying = replace(settler, store=Dying(zone.store.root, [data.draw(st.integers(0, 3))]))
        try:
            zone.settle(dying, hop, some, refused.__contains__)
        except KilledError:
            zone.check()
            zone.settle(settler, hop, some, refused.__contains__)
    else:
        zone.settle(settler, hop, some, refused.__contains__)


def test_a_landed_file_that_is_gone_is_named_and_nothing_is_settled(tmp_path: Path) -> None:
    zone = Zone(LocalStore(tmp_path))
    zone.batch([True, True], [True, True])
    file = landing_manifests(zone.store, "t")[0].files[0].path
    zone.store.delete(file)
    with pytest.raises(LetterGoneError, match="held 1 of 2 records") as caught:
        Settler(zone.store, Verb.REDRIVE).settle(Letters("t", Hop.STAGING, 0, {(0, 0): 1, (1, 1): 1}))
    assert file in caught.value.where
    assert len(landing_manifests(zone.store, "t")) == 1


def test_letters_whose_landed_files_expired_are_told_and_the_others_go_through(tmp_path: Path) -> None:
    zone = Zone(LocalStore(tmp_path))
    zone.batch([True, True], [True, True])
    zone.batch([True], [True])
    expired = landing_manifests(zone.store, "t")[0].files[0].path
    zone.store.delete(expired)
    before = zone.store.list("landing")
    letters = [
        DeadLetter(Hop.STAGING, "t", 0, partition, offset, seq, at(0), ("price",))
        for seq, partition, offset in ((1, 0, 0), (1, 1, 1), (2, 0, 2))
    ]
    first, second = settled(letters, Settler(zone.store, Verb.REDRIVE))
    assert (first.chosen, first.settled, first.seq) == (1, 0, 0)
    assert isinstance(first.error, LetterGoneError)
    assert "held 1 of 3 records" in first.error.what
    assert expired in first.error.where
    assert (second.chosen, second.settled, second.seq, second.error) == (2, 2, 3, None)
    written_now = set(zone.store.list("landing")) - set(before)
    manifest = landing_manifests(zone.store, "t")[-1]
    assert written_now == {f"landing/_manifests/t/{seq_name(3)}", *(file.path for file in manifest.files)}
    (again,) = settled(letters[:1], Settler(zone.store, Verb.REDRIVE))
    assert isinstance(again.error, LetterGoneError)
    (discarded,) = settled(letters[:1], Settler(zone.store, Verb.DISCARD, "", "expired"))
    assert (discarded.settled, discarded.error) == (1, None)


def test_a_place_that_no_file_holds_is_told(tmp_path: Path) -> None:
    zone = Zone(LocalStore(tmp_path))
    zone.batch([True], [True])
    with pytest.raises(LetterGoneError, match="1 of 2 records"):
        Settler(zone.store, Verb.REDRIVE).settle(Letters("t", Hop.STAGING, 0, {(0, 0): 1, (0, 9): 1}))


def test_writers_who_always_come_first_are_a_conflict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zone = Zone(LocalStore(tmp_path))
    zone.batch([False], [])

    def overtaken(*_: Any) -> None:
        raise CommitConflictError("first")

    monkeypatch.setattr(manifest_log, "commit", overtaken)
    with pytest.raises(CommitConflictError, match="came first"):
        Settler(zone.store, Verb.DISCARD, "", "why").settle(Letters("t", Hop.LANDING, 0, {(0, 0): 1}))


def settling(manifest: LandingManifest, **changes: Any) -> LandingManifest:
    last = {"seq": manifest.seq + 1, "ranges": {p: (end, end) for p, end in manifest.committed.items()}}
    return replace(manifest, **{**last, "files": (), "dead_letters": (), **changes})


def test_the_account_finds_what_was_settled_twice_lost_or_never_there(tmp_path: Path) -> None:
    zone = Zone(LocalStore(tmp_path))
    zone.batch([False, True], [False])
    first = landing_manifests(zone.store, "t")[0]
    landed = LandedFile(written(zone.store, "landing/t/x.parquet", [(0, 0)]).path, 1, 1, "1")
    other = replace(landed, path=written(zone.store, "landing/t/y.parquet", [(0, 6)]).path)
    redrive = Settlement(Hop.LANDING, Verb.REDRIVE, 0, places_of([(0, 0)]))
    second = settling(first, settles=redrive, files=(landed,))
    twice = settling(second, settles=redrive, files=(landed,))
    never = settling(first, settles=replace(redrive, hop=Hop.STAGING, places=places_of([(0, 6)])), files=(other,))
    elsewhere = settling(first, settles=redrive, files=(other,))
    assert account(zone.store, [first, second]).broken == 0
    assert account(zone.store, [first, second, twice]).broken == 1
    assert account(zone.store, [first, never]).broken == 1
    assert account(zone.store, [first, elsewhere]).broken == 2


def test_what_retention_took_is_no_broken_rule_and_the_rest_is_still_held(tmp_path: Path) -> None:
    zone = Zone(LocalStore(tmp_path))
    zone.batch([False, False, True], [True])
    zone.batch([False, True], [True])
    redrive = Decoding(zone.store, Verb.REDRIVE)
    zone.settle(redrive, Hop.LANDING, [(0, 0), (1, 1), (1, 3)], lambda _: False)
    zone.settle(redrive, Hop.STAGING, [(0, 2), (0, 4)], lambda _: False)
    manifests = landing_manifests(zone.store, "t")
    assert account(zone.store, manifests) == Account(0, 3, 0, 0)
    for path in [file.path for m in (manifests[0], manifests[2]) for file in m.files]:
        zone.store.delete(path)
    zone.store.delete(manifests[0].dead_letters[0].path)
    assert account(zone.store, manifests).broken == 0
    other = LandedFile(written(zone.store, "landing/t/x.parquet", [(0, 6)]).path, 1, 1, "1")
    redriven = Settlement(Hop.STAGING, Verb.REDRIVE, 0, places_of([(0, 8)]))
    lost = settling(manifests[-1], settles=redriven, files=(other,))
    assert account(zone.store, [*manifests, lost]).broken == 3, "its file holds another one, and it never landed"


def test_what_an_older_epoch_lost_excuses_nothing_of_the_newest(tmp_path: Path) -> None:
    """Offsets of a topic that was made anew are those of its records before."""
    zone = Zone(LocalStore(tmp_path))
    zone.batch([True, True], [])
    older = landing_manifests(zone.store, "t")[0]
    for file in older.files:
        zone.store.delete(file.path)
    body = written(zone.store, "landing/t/newer.parquet", [(0, 0), (1, 1)])
    newer = replace(older, epoch=1, seq=2, files=(LandedFile(body.path, 2, body.bytes, "1"),))
    never_open = settling(newer, settles=Settlement(Hop.LANDING, Verb.DISCARD, 1, places_of([(0, 0)]), "", "why"))
    assert account(zone.store, [older, newer, never_open]).broken == 1


@given(offsets=st.lists(st.integers(0, 40)), asked=st.integers(0, 41))
def test_ranges_hold_exactly_the_offsets(offsets: list[int], asked: int) -> None:
    ranges = ranges_of(offsets)
    assert [o for pair in ranges for o in range(*pair)] == sorted(set(offsets))
    if offsets:
        settles = Settlement(Hop.STAGING, Verb.REDRIVE, 0, {3: ranges})
        assert settles.holds(3, asked) is (asked in offsets)
        assert not settles.holds(2, asked)
        assert settles.count == len(settles.coordinates) == len(set(offsets))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reason": " "}, "gives no reason"),
        ({"places": {0: ()}}, "no letter is settled"),
        ({"places": {0: ((1, 2), (2, 3))}}, "do not ascend"),
        ({"hop": Hop.CURATED}, "no letter of the hop curated"),
    ],
)
def test_a_settlement_that_says_nothing_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        replace(Settlement(Hop.LANDING, Verb.DISCARD, 0, {0: ((1, 2),)}, "ada", "why"), **changes)


def test_a_manifest_that_settles_survives_json_and_holds_to_its_rules() -> None:
    settles = Settlement(Hop.STAGING, Verb.REDRIVE, 0, {0: ((1, 3),), 2: ((7, 8),)}, "ada", "mended")
    file = LandedFile("f.parquet", 3, 1, "1")
    manifest = LandingManifest("p", "t", "t", 0, 4, "a", {0: (9, 9)}, (file,), (), {"1": "x"}, settles=settles)
    assert LandingManifest.from_json(manifest.to_json()) == manifest
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"ranges": {0: (9, 12)}}, "consumed 3 offsets"),
        ({"files": ()}, "0 rows written of 3"),
        ({"files": (replace(file, rows=2),), "dead_letters": (WrittenFile("d", 1, 1),)}, "undecodable now"),
        ({"settles": replace(settles, epoch=1)}, "of an epoch to come"),
        ({"settles": replace(settles, verb=Verb.DISCARD)}, "3 rows written of 0"),
    ]
    for changes, message in wrong:
        with pytest.raises(ManifestError, match=message):
            replace(manifest, **changes)
    damaged = manifest.to_json().replace('"redrive"', '"forget"')
    with pytest.raises(ManifestError, match="verb is 'forget'"):
        LandingManifest.from_json(damaged)
    with pytest.raises(ManifestError, match=r"places\.0"):
        LandingManifest.from_json(manifest.to_json().replace("7,", '"7",').replace("1,\n     3", '"1",\n     3'))


def test_letters_of_loads_are_settled_once_by_whoever_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalStore(tmp_path)
    letters = [("fact", (1, 1)), ("fact", (1, 2)), ("party", (2, 1))]
    create = LocalStore.create_if_absent

    def overtaken(self: LocalStore, key: str, data: bytes) -> bool:
        monkeypatch.setattr(LocalStore, "create_if_absent", create)
        assert load_log.settle(store, Verb.DISCARD, letters[:1], "bob", "test data") is not None
        return create(self, key, data)

    monkeypatch.setattr(LocalStore, "create_if_absent", overtaken)
    record = load_log.settle(store, Verb.REDRIVE, letters, "ada", "")
    assert record is not None
    assert (record.seq, record.letters) == (2, {"fact": ((1, 2),), "party": ((2, 1),)})
    assert load_log.settle(store, Verb.REDRIVE, letters, "ada", "") is None
    assert load_log.newest_redrive(load_log.settlements(store)) == {"fact": 2, "party": 2}
    assert load_log.redriven(store, "fact", 0, 2) == {(1, 2)}
    fates = LoadFates(tuple(load_log.settlements(store)))
    assert [fates.fate("fact", 1, n).state for n in (1, 2, 3)] == [State.DISCARDED, State.REDRIVEN, State.OPEN]
    assert LoadSettlement.from_json(record.to_json()) == record


def test_settlements_that_the_last_load_has_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path)
    for number in (1, 2, 3):
        assert load_log.settle(store, Verb.REDRIVE, [("fact", (1, number))], "ada", "") is not None
    read: list[str] = []
    plain = LocalStore.read

    def counted(self: LocalStore, key: str) -> bytes:
        read.append(key)
        return plain(self, key)

    monkeypatch.setattr(LocalStore, "read", counted)
    session: Any = None
    redrives = Redrives(session, store, since=2)
    assert (redrives.newest, redrives.through) == ({"fact": 3}, 3)
    assert [Path(key).stem for key in read] == ["000000000003"]
    assert Redrives(session, store, since=3).through == 3


def test_a_letter_whose_load_manifest_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="gone"):
        load_log.load(LocalStore(tmp_path), 7)


def test_many_letters_are_settled_in_bounded_commits() -> None:
    letters = Letters("t", Hop.STAGING, 0, {(0, offset): 5 - offset for offset in range(5)})
    parts = [dict(part.seqs) for part in chunks(letters, 2)]
    assert [len(part) for part in parts] == [2, 2, 1]
    assert parts[0] == {(0, 4): 1, (0, 3): 2}
