"""The one door from the command line: looks whether the extra is there, and serves."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from c2l.errors import MissingDependency
from c2l.web.live.starting import check_live, show_live
from c2l.web.settings import Settings
from c2l.web.typed import typed_settings

__all__ = ["Settings", "check_live", "serve", "show_live", "typed_settings"]

_NEEDED = ("fastapi", "uvicorn", "httptools", "python_multipart", "prometheus_client")


def serve(settings: Settings, *, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C: see ``c2l.web.running.serve``.

    Raises:
        MissingDependency: the extra ``c2l[serve]`` is not installed.
    """
    if settings.replicas is not None and find_spec("ray") is None:
        raise MissingDependency(
            "`engine=ray` needs ray", hint="Install it: pip install 'c2l[ray]'", field="engine"
        )
    absent = [name for name in _NEEDED if find_spec(name) is None]
    if absent:
        raise MissingDependency(
            f"serving needs {', '.join(absent)}", hint="Install it: pip install 'c2l[serve]'"
        )
    from c2l.web.running import serve as run

    run(settings, on_ready=on_ready)
