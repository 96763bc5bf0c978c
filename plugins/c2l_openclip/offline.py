"""No network for open_clip and Hugging Face's code, where the user asked for none."""

from __future__ import annotations

import os
import sys

from c2l import hub_is_offline


def is_offline() -> bool:
    """Whether the user asked for no network; if so, Hugging Face's code does not try.

    It reads its variable once, when it is imported, and would otherwise try for a minute.
    """
    if not hub_is_offline():
        return False
    os.environ["HF_HUB_OFFLINE"] = "1"
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        constants.__dict__["HF_HUB_OFFLINE"] = True
    return True
