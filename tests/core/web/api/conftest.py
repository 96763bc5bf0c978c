"""A picture that a server drew, for whatever is made of pictures."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from api_calls import MAN, draw


@pytest.fixture(scope="session")
def picture(client: httpx2.Client) -> dict[str, Any]:
    """As an answer has it: a PNG of a man, with its record and latents."""
    found: dict[str, Any] = draw(client, "sample", **MAN, return_latents=True)["pictures"][0]
    return found
