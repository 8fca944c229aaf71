"""What the stack remembers between commands: its ports and cluster id (``stack.json``) and its secrets."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import random
import secrets
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from infra.local.errors import StackDownError
from infra.local.parts.base import SECRETS_FILE
from infra.local.process import port_is_free

STATE_FILE = "stack.json"
SECRET_NAMES = ("postgres.password", "debezium.password")
#: below the range from which systems take ports for outgoing connections
_PORT_RANGE = range(20000, 32000)


@dataclass(frozen=True)
class StackState:
    """Ports by name and the Kafka cluster id."""

    cluster_id: str
    ports: Mapping[str, int] = field(default_factory=dict)


def new_cluster_id() -> str:
    """A Kafka cluster id: a UUID in URL-safe base64 that does not begin with a dash."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


def load(root: Path) -> StackState | None:
    """The recorded state; None where no stack was ever started.

    Raises:
        StackDownError: the file is there and cannot be read.
    """
    path = root / STATE_FILE
    try:
        content = json.loads(path.read_text())
        return StackState(str(content["cluster_id"]), {str(k): int(v) for k, v in content["ports"].items()})
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StackDownError(
            "is not a stack's state file",
            where=str(path),
            remedy=f"remove the folder {root} (the embedded stack's data) and run `lake up` again",
        ) from error


def save(root: Path, state: StackState) -> None:
    """Write the state, atomically."""
    partial = root / f".{STATE_FILE}.{os.getpid()}"
    partial.write_text(json.dumps(asdict(state), indent=1) + "\n")
    partial.replace(root / STATE_FILE)


def choose_ports(names: Iterable[str], taken: Iterable[int] = ()) -> dict[str, int]:
    """A free port for each name, all different and none of ``taken``."""
    chosen: dict[str, int] = {}
    used = set(taken)
    source = random.SystemRandom()
    for name in names:
        port = source.choice(_PORT_RANGE)
        while port in used or not port_is_free(port):
            port = source.choice(_PORT_RANGE)
        chosen[name] = port
        used.add(port)
    return chosen


def new_password() -> str:
    """A random password of 32 letters, digits, dashes and underscores."""
    return secrets.token_urlsafe(24)


def read_secrets(path: Path) -> dict[str, str]:
    """The passwords of a file of ``name=value`` lines."""
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)


def load_or_make_secrets(root: Path) -> dict[str, str]:
    """The passwords of this LAKE_HOME, made at random once and kept in a file of mode 0600."""
    path = root / "stack" / SECRETS_FILE
    try:
        return read_secrets(path)
    except FileNotFoundError:
        pass
    made = {name: new_password() for name in SECRET_NAMES}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, "".join(f"{name}={value}\n" for name, value in made.items()))
    return made


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, atomically."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    partial.replace(path)


@contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Hold the stack's lock: one `up` or `down` at a time; the system frees it when its holder dies."""
    folder = root / "stack"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
