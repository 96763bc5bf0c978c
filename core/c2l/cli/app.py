"""The command ``c2l``: its root options, its groups, and its error messages.

Whatever happens is one line on stderr and a documented exit code (``c2l.errors.ExitCode``);
tracebacks appear only with ``--debug``.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from c2l.cli import help_pages, options, tree, wording
from c2l.cli.assumed import saying_what_is_assumed
from c2l.cli.commands import Group
from c2l.cli.interrupts import no_interrupt_is_lost
from c2l.cli.output import fail, flush, silence_stdout, talk
from c2l.errors import C2LError, ExitCode, as_out_of_memory
from c2l.version import __version__


class Interrupted(Exception):
    """Ctrl-C. Typer would turn a KeyboardInterrupt into an exit code and lose its message."""


class Root(Group):
    """The command ``c2l`` itself."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        help_pages.write_commands(formatter, self.commands, tree.SECTIONS)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            raise Interrupted(str(stop)) from stop


# Typer's two completion options would cost every command the import of pydantic, so they are there
# only when a shell asks: eval "$(_C2L_COMPLETE=source_bash c2l)".
app = typer.Typer(
    name="c2l",
    cls=Root,
    add_completion="_C2L_COMPLETE" in os.environ,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


DEBUG = "C2L_DEBUG"


def _turn_on_debug(wanted: bool) -> None:
    if wanted:
        os.environ[DEBUG] = "1"  # worker processes inherit it


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"c2l {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", callback=_turn_on_debug, help=f"Show tracebacks, like {DEBUG}=1."),
    ] = False,
    plugin: options.PluginFiles = None,
) -> None:
    """Draw pictures of text, with any pretrained GAN."""
    if context.invoked_subcommand is None:
        print(context.get_help())


tree.add_all(app)


def _resumes(stop: BaseException) -> bool:
    """Whether the command goes on where it was interrupted, as most do that keep something."""
    return bool(getattr(stop.__cause__ or stop, "resumes", True))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: without the program's name; None for those of the process.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started the process
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115
    # The encoding of a pipe may lack letters of a summary.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    wording.speak_for(None)
    caught: BaseException | None = None
    try:
        command = typer.main.get_command(app)
        with saying_what_is_assumed(), no_interrupt_is_lost():
            result = command.main(arguments, prog_name="c2l", standalone_mode=False)
        flush()
    except C2LError as error:
        caught = error
        code, line = int(error.exit_code), str(error)
    except typer.TyperException as error:
        caught = error
        code, line = error.exit_code, wording.usage_line(error)
        if line.startswith("Usage:"):  # a group without a command: its help is the answer
            print(line)
            return ExitCode.OK
    except (Interrupted, KeyboardInterrupt, typer.Abort) as stop:
        # The message of an interruption says what was kept.
        kept = f": {stop}" if str(stop) else ""
        talk(f"interrupted{kept}{'. The same command resumes' if kept and _resumes(stop) else ''}")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader has gone, as in `c2l models list | head`.
        silence_stdout()
        return ExitCode.FAILED
    except Exception as error:
        caught = error
        if full := as_out_of_memory(error):
            code, line = int(full.exit_code), str(full)
        else:
            code = ExitCode.INTERNAL
            text = " ".join(f"{type(error).__name__}: {error}".split())
            line = f"internal: {text}. Run it again as 'c2l --debug …' and report what it prints"
    else:
        code, line = result if isinstance(result, int) else ExitCode.OK, ""
    if line:
        if os.environ.get(DEBUG, "") not in {"", "0"}:
            traceback.print_exception(caught)
        fail(line)
    return code
