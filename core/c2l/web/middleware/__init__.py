"""What stands in front of all routes. Pure ASGI: others hide that a client has left."""

from __future__ import annotations

from fastapi import FastAPI

from c2l.web.settings import Settings


def stand_in_front(app: FastAPI, settings: Settings) -> None:
    """Put everything in front of an app."""
