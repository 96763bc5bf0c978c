"""Messages of OSC, the protocol of faders, sequencers and sensors, by UDP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

from c2l.errors import BadInput, MissingDependency
from c2l.web.live.board import Board
from c2l.web.live.once import Once

_LARGEST = 65_535
"""Bytes of a datagram."""

_PATIENCE = 0.25
"""Seconds after which a thread without messages looks whether it is still wanted."""


class OscIn:
    """Listens to OSC, and puts what it hears on a board. A bad message does no harm.

    Args:
        address: host and port to listen at; port 0 takes a free one.
        say: called with what is wrong with a datagram.
    Raises:
        BadInput: the port is taken, or the host is not here.
        MissingDependency: python-osc is not installed.
    """

    def __init__(self, address: tuple[str, int], board: Board, say: Once) -> None:
        _load_osc()
        self._board, self._say = board, say
        host, port = address
        try:
            family, kind, *_, place = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)[0]
            self._socket = socket.socket(family, kind)
            self._socket.bind((place[0], port, *place[2:]))
            self._socket.settimeout(_PATIENCE)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise BadInput(
                f"cannot listen to OSC on {host} port {port}: {reason}",
                hint="Use another `osc_port`, or `osc_host=127.0.0.1`",
                field="osc_port",
            ) from error
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="c2l-osc", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Listen no longer."""
        self._closed.set()
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                data = self._socket.recv(_LARGEST)
            except OSError:  # nothing came for a while
                continue
            for address, arguments in self._messages(data):
                self._board.take(address, arguments)

    def _messages(self, data: bytes) -> Iterator[tuple[str, list[object]]]:
        """The messages in a datagram, whatever time they are for: late is later than now."""
        from pythonosc.osc_packet import OscPacket

        try:
            messages = OscPacket(data).messages
        except Exception as error:  # the parser raises many a kind on bytes that are not OSC
            self._say(f"a datagram is not OSC: {error}")
            return
        for timed in messages:
            yield timed.message.address, list(timed.message.params)


def _load_osc() -> None:
    try:
        import pythonosc.osc_packet  # noqa: F401
    except ImportError as error:
        raise MissingDependency(
            f"`c2l live` needs python-osc: {error}", hint="Install it: pip install 'c2l[live]'"
        ) from error
