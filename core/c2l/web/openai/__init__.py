"""OpenAI's routes for pictures, as its clients send and expect them."""

from c2l.web.openai.router import add_to

__all__ = ["add_to"]
