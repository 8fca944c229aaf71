"""A TCP relay before a server, for what a network does to a session."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Edit = Callable[[bytes], bytes]


@dataclass
class Relay:
    """Passes bytes both ways.

    `lose_answer_to`: after these bytes from the client, the server's next answer is taken and thrown away, and the
    client's connection is cut: what the server did is done, and the client cannot know. `first` edits the client's first
    message.
    """

    target: int
    lose_answer_to: bytes = b""
    first: Edit = bytes
    lost: threading.Event = field(default_factory=threading.Event)
    _listener: socket.socket = field(default_factory=socket.socket)

    @property
    def port(self) -> int:
        """The port that clients use."""
        return int(self._listener.getsockname()[1])

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                for item in (client, server):
                    item.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._to_client, args=(server, client), daemon=True).start()
                threading.Thread(target=self._to_server, args=(client, server), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            server.sendall(self.first(client.recv(1 << 16)))
            while data := client.recv(1 << 16):
                if self.lose_answer_to and self.lose_answer_to in data:
                    self.lost.set()
                server.sendall(data)
        _close(client, server)

    def _to_client(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 16):
                if self.lost.is_set():
                    break
                client.sendall(data)
        _close(client, server)


@contextmanager
def relayed(target: int, *, lose_answer_to: bytes = b"", first: Edit = bytes) -> Iterator[Relay]:
    """A relay to a port of this machine, for as long as the block runs."""
    relay = Relay(target, lose_answer_to, first)
    relay._listener.bind(("127.0.0.1", 0))
    relay._listener.listen()
    threading.Thread(target=relay._serve, daemon=True).start()
    try:
        yield relay
    finally:
        relay._listener.close()


def without_startup_parameters(names: frozenset[str]) -> Edit:
    """An edit of PostgreSQL's startup message (protocol 3.0) that leaves some parameters out."""

    def edited(message: bytes) -> bytes:
        length, version = struct.unpack("!II", message[:8])
        if version != 3 << 16:
            return message
        words = message[8 : length - 1].split(b"\0")
        pairs = zip(words[0::2], words[1::2], strict=False)
        kept = b"".join(name + b"\0" + value + b"\0" for name, value in pairs if name.decode() not in names) + b"\0"
        return struct.pack("!II", len(kept) + 8, version) + kept + message[length:]

    return edited


def _close(*sockets: socket.socket) -> None:
    for item in sockets:
        with suppress(OSError):
            item.shutdown(socket.SHUT_RDWR)
        item.close()
