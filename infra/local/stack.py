"""The embedded stack as one thing: `up`, `down`, `status`, and the addresses that others use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from infra.local import containers, state, supervisor
from infra.local.capture import Capture, connector_state, prepare_database, start_capture
from infra.local.errors import StackDownError
from infra.local.parts.base import Context, Options, Part
from infra.local.parts.connect import Connect
from infra.local.parts.kafka import Kafka
from infra.local.parts.postgres import Postgres, admin_dsn
from infra.local.parts.registry import Registry
from infra.local.process import port_is_free
from infra.local.supervisor import PartStatus, Report

#: in the order in which they end
PARTS: tuple[Part, ...] = (Connect(), Registry(), Kafka(), Postgres())


@dataclass(frozen=True)
class Endpoints:
    """The addresses of a stack."""

    bootstrap_servers: str
    registry_url: str
    connect_url: str
    context: Context

    @property
    def ccompat_url(self) -> str:
        """The registry's Confluent-compatible interface."""
        return f"{self.registry_url}/apis/ccompat/v7"

    def source_dsn(self, database: str) -> str:
        """A libpq connection string of the source database's owner (holds a password: never to a log)."""
        return admin_dsn(self.context, database)


def quiet(_part: str, _message: str) -> None:
    """A report that goes nowhere."""


class Stack:
    """The embedded stack of one LAKE_HOME.

    Args:
        root: LAKE_HOME. State lies in ``stack.json`` and ``stack/``, logs in ``logs/``, pids in ``pids/``.
        options: see :class:`~infra.local.parts.base.Options`.
        parts: the parts to run, in the order in which they end.
    """

    def __init__(self, root: Path, options: Options | None = None, parts: Sequence[Part] = PARTS) -> None:
        self.root = root.resolve()
        self.options = options or Options()
        self.parts = tuple(parts)

    def up(self, captures: Sequence[Capture] = (), report: Report = quiet) -> Endpoints:
        """Start what does not run, wait until all is well, and start the captures.

        Raises:
            PartFailedError: a part died or did not get well; what this call had started is ended again.
            SourceError: a table of a capture is missing.
            ConnectorError: a capture cannot run.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with state.exclusive(self.root):
            context = self._context_for_start()
            supervisor.start_all(self.parts, context, report)
            self._capture(context, captures, report)
            return self._endpoints(context)

    def _capture(self, context: Context, captures: Sequence[Capture], report: Report) -> None:
        for capture in captures:
            start_capture(context, capture, timeout_seconds=self.options.start_timeout_seconds)
            report(capture.pipeline, f"captures {len(capture.tables)} tables")

    def prepare_source(self, capture: Capture) -> None:
        """Make the pipeline's database and tables without capturing them yet.

        Raises:
            StackDownError: a part does not run.
            SourceError: a table of the contracts is not made.
        """
        prepare_database(self.endpoints().context, capture)

    def down(self, report: Report = quiet) -> list[str]:
        """End the parts by their own processes; the names of those that ran."""
        if not self.root.exists():
            return []
        with state.exclusive(self.root):
            return supervisor.stop_all(self.parts, self.root, self.options.stop_grace_seconds, report)

    def status(self) -> list[PartStatus]:
        """Each part as it is now; all stopped where none was ever started."""
        context = self._context()
        if context is None:
            return [PartStatus(part.name, "stopped", None, 0, "") for part in self.parts]
        return [supervisor.status(part, context) for part in self.parts]

    def capture_states(self, pipelines: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Per pipeline: the state of its connector and the reason of a failure."""
        context = self._context()
        if context is None or supervisor.running(self.root, "connect") is None:
            return {}
        return self._capture_states(context, pipelines)

    @staticmethod
    def _capture_states(context: Context, pipelines: Sequence[str]) -> dict[str, tuple[str, str]]:
        return {name: connector_state(context.connect_url, f"{name}-postgres") for name in pipelines}

    def endpoints(self) -> Endpoints:
        """The addresses of the running stack.

        Raises:
            StackDownError: a part is not running; names it, with the end of its log when it died.
        """
        context = self._context()
        if context is None:
            raise StackDownError("was never started", where=f"the stack of {self.root}", remedy="run `lake up`")
        for part in reversed(self.parts):
            if supervisor.running(self.root, part.name) is None:
                status = supervisor.status(part, context)
                detail = f"; {status.detail}" if status.detail else ""
                raise StackDownError(f"is {status.state}{detail}", where=part.name, remedy="run `lake up`")
        return self._endpoints(context)

    @staticmethod
    def _endpoints(context: Context) -> Endpoints:
        return Endpoints(context.bootstrap_servers, context.registry_url, context.connect_url, context)

    def _context(self) -> Context | None:
        recorded = state.load(self.root)
        if recorded is None:
            return None
        secrets = state.load_or_make_secrets(self.root)
        return Context(self.root, self.options, recorded.ports, recorded.cluster_id, secrets)

    def _context_for_start(self) -> Context:
        """The recorded ports, with new ones for parts that do not run and whose port a stranger holds by now."""
        recorded = state.load(self.root) or state.StackState(state.new_cluster_id())
        kept: dict[str, int] = {}
        for part in self.parts:
            alive = supervisor.running(self.root, part.name) is not None
            for name in part.ports:
                port = recorded.ports.get(name)
                if port is not None and (alive or port_is_free(port)):
                    kept[name] = port
        absent = [name for part in self.parts for name in part.ports if name not in kept]
        if absent or kept != dict(recorded.ports):
            ports = kept | state.choose_ports(absent, kept.values())
            recorded = state.StackState(recorded.cluster_id, ports)
            state.save(self.root, recorded)
        secrets = state.load_or_make_secrets(self.root)
        return Context(self.root, self.options, recorded.ports, recorded.cluster_id, secrets)


class ContainerStack(Stack):
    """The stack whose parts are containers: others start and end them, the rest is as ever.

    Args:
        folder: what all containers see (:mod:`infra.local.containers`).
        options: see :class:`~infra.local.parts.base.Options`.
    """

    def __init__(self, folder: Path, options: Options | None = None) -> None:
        super().__init__(folder / "part", options)
        self.folder = folder

    def up(self, captures: Sequence[Capture] = (), report: Report = quiet) -> Endpoints:
        """Wait until all parts are well, and start the captures.

        Raises:
            PartFailedError: a part did not get well.
            SourceError: a table of a capture is missing.
            ConnectorError: a capture cannot run.
        """
        context = self._context()
        containers.wait_until_well(self.parts, context, self.options.start_timeout_seconds)
        self._capture(context, captures, report)
        return self._endpoints(context)

    def down(self, report: Report = quiet) -> list[str]:  # noqa: ARG002 - as the embedded stack's
        """Refuse.

        Raises:
            StackDownError: always; a container cannot end the others.
        """
        raise StackDownError("runs in containers", where="the stack", remedy="run `docker compose down` outside")

    def status(self) -> list[PartStatus]:
        """Each part as it answers from here."""
        context, found = self._context(), []
        for part in self.parts:
            trouble = part.trouble(context)
            port = context.ports[part.ports[0]]
            found.append(PartStatus(part.name, "running" if trouble is None else "down", None, port, trouble or ""))
        return found

    def capture_states(self, pipelines: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Per pipeline: the state of its connector and the reason of a failure."""
        return self._capture_states(self._context(), pipelines)

    def endpoints(self) -> Endpoints:
        """The addresses of the stack, running or not.

        Raises:
            StackDownError: it was never started.
        """
        return self._endpoints(self._context())

    def _context(self) -> Context:
        return replace(containers.context_of(self.folder), options=self.options)
