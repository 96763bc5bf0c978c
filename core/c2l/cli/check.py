"""``c2l check``: whether a part keeps what its interface promises."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from c2l import service
from c2l.cli import options, output
from c2l.cli.fetching import questions
from c2l.cli.options import option

EXAMPLES = """
c2l check stylegan:demo-faces
c2l check flow
c2l check ./my_gan.py
"""


def check(
    part: Annotated[
        str | None,
        typer.Argument(
            help="kind:name, a file of weights, the kind of a prior, or a .py file.",
            show_default=False,
        ),
    ] = None,
    all: Annotated[bool, option("Check everything on this machine.", "--all")] = False,
    accept_programs: options.AcceptPrograms = False,
    as_json: Annotated[bool, option("Print a JSON object for each part.", "--json")] = False,
) -> int:
    """Check that a generator, embedder or prior works as promised.

    One line counts the checks, and each failure gets a line that says what to do.

    A kind of prior is trained on a small world first. The exit code is 7 if anything fails.
    """
    output.warn_of_problems()
    ask = questions(accept_licence=False, accept_programs=accept_programs)
    return print_reports(service.check_parts(part, all=all, ask=ask), as_json=as_json)


def print_reports(reports: Iterable[service.Report], *, as_json: bool) -> int:
    """Print reports as they come; returns the exit code."""
    code = 0
    for report in reports:
        output.data(report.to_json() if as_json else str(report))
        code = code or report.exit_code
    return code
