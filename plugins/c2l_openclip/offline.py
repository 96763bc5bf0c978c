"""One switch for no network: ``C2L_OFFLINE``, or Hugging Face's own ``HF_HUB_OFFLINE``."""

from __future__ import annotations

import os
import sys

_NO = {"", "0", "false", "no", "off"}


def is_offline() -> bool:
    """Whether the user asked for no network; if so, keeps Hugging Face's code from trying.

    Hugging Face reads its variable once, when it is imported, and otherwise tries for a minute.
    """
    wanted = [os.environ.get(name, "") for name in ("C2L_OFFLINE", "HF_HUB_OFFLINE")]
    if all(value.strip().lower() in _NO for value in wanted):
        return False
    os.environ["HF_HUB_OFFLINE"] = "1"
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        constants.__dict__["HF_HUB_OFFLINE"] = True
    return True
