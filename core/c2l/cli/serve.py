"""``c2l serve``: the HTTP service and its page."""

from __future__ import annotations

from typing import Annotated

import typer

from c2l.cli import options, output
from c2l.cli.options import File, Text, option
from c2l.web import starting

EXAMPLES = """
c2l serve
c2l serve --recipe demo-faces --port 8080
c2l serve --host 0.0.0.0 --token-file token.txt
c2l serve --engine ray --replicas 2
"""

Host = Annotated[str, option("Address to serve on; beyond this machine it needs a token.")]
Port = Annotated[int, option("Port; 0 picks a free one.")]
Recipes = Annotated[
    list[str] | None,
    option("Recipe to offer; repeatable, the first is the default.", "--recipe", "-r",
           default="all that are here"),
]  # fmt: skip
Token = Annotated[Text, option("Token for clients; others on this machine can see it here.")]
TokenFile = Annotated[File, option("File that contains the token.", default="C2L_TOKEN")]
Origins = Annotated[
    list[str] | None,
    option("Origin of another page that may use it: https://example.org; repeatable.", "--origin"),
]
Proxies = Annotated[
    list[str] | None, option("Address of a reverse proxy in front; repeatable.", "--proxy")
]
Batch = Annotated[int, option("Pictures drawn at once.")]
Waiting = Annotated[int, option("Pictures that may wait in the queue.")]
Seconds = Annotated[float, option("Time limit of a request, including waiting.")]
Loaded = Annotated[int, option("Recipes kept in memory.")]
Idle = Annotated[float, option("Free memory after this many minutes without requests; 0: never.")]
EngineName = Annotated[str, option("local draws in this process; ray in replicas.", "--engine")]
Replicas = Annotated[Text, option("Replicas for ray: 2, or 1-4 to follow the load.", default="1")]


def serve(
    context: typer.Context,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    recipes: Recipes = None,
    token: Token = None,
    token_file: TokenFile = None,
    origins: Origins = None,
    proxies: Proxies = None,
    batch: Batch = 32,
    waiting: Waiting = 256,
    seconds: Seconds = 120.0,
    loaded: Loaded = 2,
    idle: Idle = 0.0,
    engine: EngineName = "local",
    replicas: Replicas = None,
    device: options.Device = "auto",
    precision: options.Precision = None,
) -> None:
    """Serve an API and a web page over HTTP, until Ctrl-C.

    It offers recipes whose weights are on this machine, and never downloads any.
    """
    settings = starting.typed_settings(**context.params)
    output.warn_of_problems()
    starting.serve(settings, on_ready=lambda address: output.talk(f"serving on {address}"))
