"""HTTP/1.1 as the server speaks it: uvicorn's, with bounds on what a client may leave open."""

from __future__ import annotations

import asyncio
import json

from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from c2l.web.errors import ApiError, error_detail

_MOST_OPEN = 64 << 10
"""Bytes of a request line and headers, or of a chunk's, that have not ended yet."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn itself would wait for ever for a request, and for clients that do not take their
    answers; and its fast parser keeps headers of any length."""

    header_seconds = 10.0
    """It is the client's turn for so long at most."""

    _open = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look(before=None)

    def data_received(self, data: bytes) -> None:
        self._open += len(data)
        super().data_received(data)  # whatever ends in it sets the count back
        if self._open > _MOST_OPEN and not self.transport.is_closing():
            self.send_400_response("the headers are too long")

    def on_headers_complete(self) -> None:
        self._open = 0
        before = self.cycle
        super().on_headers_complete()
        if self.scope["http_version"] == "1.0" and self.cycle is not before:
            _send_without_chunks(self.cycle)

    def on_body(self, body: bytes) -> None:
        self._open = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._open = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP in the one shape of errors, and close."""
        error = ApiError(400, msg.rstrip("."), code="bad_request")
        body = json.dumps({"error": error_detail(error)}).encode()
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(STATUS_LINE[400] + head % len(body) + body)
        self.transport.close()

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


def _send_without_chunks(cycle: RequestResponseCycle) -> None:
    """HTTP/1.0 has no chunks: an answer of unknown length ends with its connection.

    uvicorn sends chunks to all; players that ask for a stream by HTTP/1.0 would show none.
    """
    send, is_open = cycle.send, False

    async def sending(message: Message) -> None:
        nonlocal is_open
        if message["type"] == "http.response.start":
            is_open = all(name.lower() != b"content-length" for name, _ in message["headers"])
            if is_open:
                cycle.chunked_encoding = False
        elif is_open:
            cycle.expected_content_length = len(message.get("body", b""))  # as if that were all
        await send(message)  # type: ignore[arg-type]

    cycle.send = sending  # type: ignore[method-assign, assignment]
