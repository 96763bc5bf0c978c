"""The routes of AUTOMATIC1111's web UI that its clients call."""

from c2l.web.a1111.router import add_to

__all__ = ["add_to"]
