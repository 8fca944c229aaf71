"""The embedded broker alone, without the rest of the stack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local import state, supervisor
from infra.local.parts.base import Context, Options
from infra.local.parts.kafka import Kafka


@contextmanager
def broker(root: Path) -> Iterator[str]:
    """Runs a broker on free ports, its state under `root`, until the block ends; yields its address.

    Raises:
        PartFailedError: it died or did not get well; what it wrote last is named.
    """
    part, options = Kafka(), Options()
    root.mkdir(parents=True, exist_ok=True)
    recorded = state.StackState(state.new_cluster_id(), state.choose_ports(part.ports))
    context = Context(root, options, recorded.ports, recorded.cluster_id, {})
    with state.exclusive(root):
        supervisor.start_all((part,), context, _quiet)
    try:
        yield context.bootstrap_servers
    finally:
        with state.exclusive(root):
            supervisor.stop_all((part,), root, options.stop_grace_seconds)


def _quiet(_part: str, _message: str) -> None:
    """A report that goes nowhere."""
