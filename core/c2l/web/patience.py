"""Connections that say nothing: uvicorn itself would wait for ever for the first request."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, but a request's header has to come in time.

    ``h11`` bounds the size of headers as well, which the faster parser does not.
    """

    header_seconds = 10.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look_again(before=self)

    def _look_again(self, before: Any) -> None:
        """Look at intervals what request this connection is at; close it if that is none, twice."""
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return  # it has ended, or is a WebSocket by now
        between = self.cycle is None or self.cycle.response_complete
        if between and before is self.cycle:
            self.transport.close()
            return
        now = self.cycle if between else self
        self.loop.call_later(self.header_seconds, self._look_again, now)
