"""Log lines hold the ids that tie the hops together, and nothing of the data."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lake.metrics import Hop
from lake.watch import Watch, logs
from schemas.errors import LakeError

SECRET = "ada@example.org"
log = logging.getLogger("glue_jobs.some_module")


@contextmanager
def written(*, as_json: bool = True) -> Iterator[io.StringIO]:
    out = io.StringIO()
    with logs.configured(logging.StreamHandler(out), {"environment": "dev", "run": "run-1"}, as_json=as_json):
        yield out


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_every_line_of_a_step_has_the_steps_ids_also_those_that_came_later() -> None:
    with written() as out:
        log.info("before")
        with Watch("retail").step(Hop.STAGING, "customer", landing_first=3) as step:
            log.info("reading")
            step.knows(snapshot=17)
            log.info("written %d", 5)
    before, reading, wrote, done = lines(out)
    assert "hop" not in before
    assert (reading["run"], reading["environment"], reading["landing_first"]) == ("run-1", "dev", 3)
    assert (wrote["message"], wrote["snapshot"], wrote["table"], wrote["hop"]) == (
        "written 5",
        17,
        "customer",
        "staging",
    )
    assert done["logger"] == "lake.watch.steps"
    assert done["message"].startswith("staging customer: done in")


def test_steps_of_other_threads_are_other_steps() -> None:
    watch = Watch("retail")

    def work(table: str) -> None:
        with watch.step(Hop.LANDING, table):
            barrier.wait()
            log.info("of %s", table)

    with written() as out:
        barrier = threading.Barrier(2)
        threads = [threading.Thread(target=work, args=(table,)) for table in ("order", "product")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    told = {line["message"]: line["table"] for line in lines(out) if line["logger"] == log.name}
    assert told == {"of order": "order", "of product": "product"}


@pytest.mark.parametrize("as_json", [True, False])
def test_the_text_of_a_foreign_error_is_never_told(as_json: bool) -> None:
    with written(as_json=as_json) as out:
        with pytest.raises(ValueError, match="ada"), Watch("retail").step(Hop.CURATED, "customer"):
            raise ValueError(SECRET)
        try:
            int(SECRET)
        except ValueError:
            log.exception("failed")
    text = out.getvalue()
    assert SECRET not in text
    assert "ValueError" in text
    assert "test_logs.py" in text


def test_our_own_error_is_told_in_full() -> None:
    with written() as out, pytest.raises(LakeError), Watch("retail").step(Hop.CURATED, "customer"):
        raise LakeError("2 rows fail", where="customer", remedy="mend it")
    (line,) = lines(out)
    assert line["level"] == "ERROR"
    assert "customer: 2 rows fail\n  remedy: mend it" in line["message"]


def test_text_lines_name_the_fields() -> None:
    with written(as_json=False) as out, Watch("retail").step(Hop.CURATED, "customer", landing_last=9):
        log.info("hello")
    first = out.getvalue().splitlines()[0]
    assert first.endswith(" INFO hello [environment=dev run=run-1 hop=curated table=customer landing_last=9]")


def test_other_packages_are_heard_from_warnings_on() -> None:
    with written() as out:
        logging.getLogger("botocore.auth").info("signed")
        logging.getLogger("botocore.auth").warning("refused")
    assert [line["message"] for line in lines(out)] == ["refused"]


def test_what_was_configured_before_is_so_again() -> None:
    root = logging.getLogger()
    before = (list(root.handlers), root.level, logging.getLogger("lake").level)
    with written():
        assert root.handlers != before[0]
    assert (list(root.handlers), root.level, logging.getLogger("lake").level) == before
