from __future__ import annotations

import threading

import pytest

from lake.demo.live import beside


def test_work_runs_beside_the_block_and_is_told_to_end_with_it() -> None:
    begun, seen = threading.Event(), []

    def work(stopping: threading.Event) -> None:
        begun.set()
        seen.append(stopping.wait(20))

    with beside("test", work):
        assert begun.wait(20)
    assert seen == [True]


def test_what_the_work_raised_reaches_the_caller_after_the_block() -> None:
    def work(_: threading.Event) -> None:
        raise ValueError("broken")

    def inside() -> None:
        with beside("test", work) as worker:
            worker.join(20)

    with pytest.raises(ValueError, match="broken"):
        inside()


def test_a_failure_is_seen_inside_the_block_too() -> None:
    def work(_: threading.Event) -> None:
        raise ValueError("broken")

    def inside() -> None:
        with beside("test", work) as worker:
            worker.join(20)
            worker.check()
            raise AssertionError("check did not raise")

    with pytest.raises(ValueError, match="broken"):
        inside()


def test_a_failing_block_ends_the_work_and_keeps_its_own_error() -> None:
    ended = threading.Event()

    def work(stopping: threading.Event) -> None:
        stopping.wait(20)
        ended.set()
        raise ValueError("of the work")

    with pytest.raises(KeyError), beside("test", work):
        raise KeyError("of the block")
    assert ended.is_set()


def test_work_may_be_finished_before_the_block_ends() -> None:
    with beside("test", lambda stopping: stopping.wait(20)) as worker:
        worker.finish()
        assert not worker.is_alive()
