"""What a picture says about how it was made."""

from __future__ import annotations

import re
from typing import Any

from c2l import service


def png_info(data: bytes) -> dict[str, Any]:
    """The texts in a picture file, as the web UI tells them. Raises ``BadPicture``."""
    items = service.picture_texts(data, field="image")
    written = items.get("parameters", "")
    return {"info": written, "items": items, "parameters": _parsed(written)}


def _parsed(text: str) -> dict[str, str]:
    """The prompt, and the names and values of the last line."""
    prompt, _, line = text.rpartition("\n")
    found = re.findall(r"(?:^|, )([\w ]{1,40}): ([^,]*)", line)
    return {"Prompt": prompt, **dict(found)} if found else {}
