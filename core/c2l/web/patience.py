"""Connections that stand still: uvicorn itself would wait for ever for a request, and for clients
that do not take their answers."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, but it is the client's turn for so long only.

    ``h11`` bounds the size of headers as well, which the faster parser does not.
    """

    header_seconds = 10.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look(before=None)

    def _look(self, before: object) -> None:
        """Look at intervals what is waited for; end the connection if that is the same twice."""
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return  # it has ended, or is a WebSocket by now
        now = self._awaited()
        if now is not None and now == before:
            self.transport.abort()
            return
        self.loop.call_later(self.header_seconds, self._look, now)

    def _awaited(self) -> object:
        """What the client owes; None while it is the server's turn."""
        if unsent := self.transport.get_write_buffer_size():
            return unsent
        if self.cycle is None:
            return "the first request"
        return self.cycle if self.cycle.response_complete else None
