"""``c2l serve``: the HTTP service and its page."""

from __future__ import annotations

from typing import Annotated

from c2l.cli import output
from c2l.cli.options import option
from c2l.web import starting

Host = Annotated[str, option("Address to serve on.")]
Port = Annotated[int, option("Port; 0 is any that is free.")]
Recipes = Annotated[
    list[str] | None,
    option("A recipe to offer; repeatable, the first is the default.", "--recipe", "-r",
           default="all that are here"),
]  # fmt: skip


def serve(host: Host = "127.0.0.1", port: Port = 8000, recipes: Recipes = None) -> None:
    """Serve an API and a page over HTTP until Ctrl-C."""
    settings = starting.typed_settings(host=host, port=port, recipes=tuple(recipes or ()))
    output.warn_of_problems()
    starting.serve(settings, on_ready=lambda address: output.talk(f"serving on {address}"))
