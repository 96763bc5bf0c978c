"""Environment variables that are on or off, read in one way."""

from __future__ import annotations

from collections.abc import Mapping

OFFLINE = "C2L_OFFLINE"
HUB_OFFLINE = "HF_HUB_OFFLINE"
STRICT = "C2L_PLUGINS_STRICT"

_OFF = {"", "0", "false", "no", "off"}


def is_on(name: str, environ: Mapping[str, str]) -> bool:
    """Whether a variable is set to anything but ``0``, ``false``, ``no`` or ``off``."""
    return environ.get(name, "").strip().lower() not in _OFF


def is_offline(environ: Mapping[str, str]) -> bool:
    """Whether the user switched off the network, with ``C2L_OFFLINE``."""
    return is_on(OFFLINE, environ)


def is_hub_offline(environ: Mapping[str, str]) -> bool:
    """Whether the user switched off Hugging Face: the network, or ``HF_HUB_OFFLINE`` alone."""
    return is_offline(environ) or is_on(HUB_OFFLINE, environ)
