"""Packages of plugins: installed, removed, and installed again after an upgrade took them away.

Nothing here imports a plugin. A ``PackagePlan`` says what would be run before anything is.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from c2l.errors import BadInput, C2LError, InstallFailed, UnknownPlugin
from c2l.plugins import registry
from c2l_registry.choices import change_choices, read_choices
from c2l_registry.installers import Command, installing, removing
from c2l_registry.paths import cannot_read, check_given, expand_path
from c2l_registry.plugins import canonical, plugins_called
from c2l_registry.wanted import Wanted, line_of, parse_line, parse_wanted


@dataclass(frozen=True)
class PackagePlan:
    """A command that changes which packages are installed.

    Args:
        command: its words, the first one a program; empty where nothing needs to be run.
        obstacle: why c2l does not run it by itself; empty if it does.
        hint: what to do instead.
        packages: the packages of plugins to be there afterwards, where their names are known.
        forgotten: those to be there no more.
    """

    command: tuple[str, ...]
    obstacle: str = ""
    hint: str = ""
    packages: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The command as a shell takes it."""
        return shlex.join(self.command)


def plan_install(packages: Sequence[str], *, editable: bool = False) -> PackagePlan:
    """What installs packages, by pip's names for them, or from folders and addresses.

    Args:
        editable: each is a folder of sources, to be used where it is.
    Raises:
        BadReference, UnknownReference, NotReadable, BadPath: one cannot be installed.
    """
    wanted = [parse_wanted(package, editable=editable) for package in packages]
    return _plan(installing(wanted), packages=_names(wanted))


def plan_remove(name: str) -> PackagePlan:
    """What removes the package that provides a plugin.

    Args:
        name: of the plugin, or of its package.
    Raises:
        UnknownPlugin: there is none, plugins of two packages have this name, or it comes with c2l.
    """
    lost = [package for package in lost_packages() if canonical(package) == canonical(name)]
    if lost:
        return PackagePlan((), forgotten=tuple(lost))
    meant = plugins_called(name, registry().plugins())
    if meant[0].bundled:
        raise UnknownPlugin(
            f"{name} comes with c2l and cannot be removed",
            hint=f"Leave it out: c2l plugins disable {name}",
        )
    dists = (meant[0].dist,)
    return _plan(removing(dists), forgotten=dists)


def plan_restore(file: Path | None = None) -> PackagePlan:
    """What installs again what is missing of a file of ``freeze_plugins``.

    Args:
        file: the lines; without it, what was installed into this Python and is gone.
    Raises:
        BadInput: a line is no package; the message says which.
        UnknownReference, NotReadable: there is no such file, or it may not be read.
    """
    wanted = _read_lines(file) if file else _recorded()
    here = freeze_plugins()
    missing = {
        want: None
        for line, want in wanted.items()
        if here.get(canonical(want.name), "").split() != line.split()
    }
    if not missing:
        return PackagePlan((), packages=_names(list(wanted.values())))
    return _plan(installing(list(missing)), packages=_names(list(missing)))


def carry_out(plan: PackagePlan) -> list[str]:
    """Run a plan, whose output goes to stderr, and remember what is installed now.

    Returns:
        What the user should know: packages that brought no plugin.
    Raises:
        InstallFailed: it ended with an error, or cannot be run from here.
        NotReadable, NotWritable: the file of choices.
    """
    if plan.obstacle:
        run = f"Run: {plan.text}" if plan.command else plan.hint
        raise InstallFailed(plan.obstacle, hint=run)
    before = freeze_plugins()
    if plan.command:
        _run(plan)
    importlib.invalidate_caches()
    registry.cache_clear()
    after = freeze_plugins()
    gone = {canonical(package) for package in plan.forgotten} - after.keys()
    change_choices(
        registry().environ,
        lambda choices: choices.with_here(
            {name: line for name, line in {**choices.here, **after}.items() if name not in gone}
        ),
    )
    return _surprises(plan, before, after)


def freeze_plugins() -> dict[str, str]:
    """The packages of plugins that are installed, but for c2l, and the line that does it again."""
    lines = {}
    for record in registry().plugins():
        if not record.bundled:
            try:
                dist = importlib.metadata.distribution(record.dist)
                lines[canonical(record.dist)] = line_of(dist)
            except (importlib.metadata.PackageNotFoundError, ValueError, KeyError, TypeError):
                continue  # half a package, such as an interrupted uninstall leaves behind
    return lines


def lost_packages() -> list[str]:
    """Packages that were installed into this Python, as by ``carry_out``, and are gone.

    An upgrade of c2l by uv, pipx or Homebrew makes a new environment, without them.
    """
    try:
        recorded = read_choices(registry().environ).here
    except C2LError:  # told elsewhere
        return []
    here = {canonical(record.dist) for record in registry().plugins()}
    return sorted(recorded.keys() - here)


def _run(plan: PackagePlan) -> None:
    program = Path(plan.command[0]).name if "pip" not in plan.command else "pip"
    try:
        # Both of its streams are talk; what the command itself returns is on stdout.
        code = subprocess.run(plan.command, stdin=subprocess.DEVNULL, stdout=2).returncode
    except OSError as error:
        reason = error.strerror or error
        raise InstallFailed(f"cannot run {program}: {reason}", hint="Check the command") from error
    if code:
        hint = "Its own messages are above"
        raise InstallFailed(f"{program} ended with exit code {code}", hint=hint)


def _surprises(plan: PackagePlan, before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    names = [name for name in plan.packages if canonical(name) not in after]
    if not plan.packages and plan.command and not plan.forgotten and before == after:
        names = ["what was installed"]
    return [
        f"{name} brings no plugin: its package has no entry point of the group c2l.plugins"
        for name in names
    ]


def _read_lines(file: Path) -> dict[str, Wanted]:
    path = check_given(expand_path(str(file)))
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise cannot_read(path, error, hint="Check the path and its permissions") from error
    except UnicodeDecodeError:
        raise BadInput(
            f"{file} is not text in UTF-8", hint="Give what 'c2l plugins freeze' printed"
        ) from None
    return _parsed(lines, str(file))


def _recorded() -> dict[str, Wanted]:
    recorded = read_choices(registry().environ).here
    if not recorded:
        raise BadInput(
            "nothing is known of plugins that were installed here",
            hint="Give the file that 'c2l plugins freeze' printed",
        )
    return _parsed([*recorded.values()], "plugins.json")


def _parsed(lines: Sequence[str], source: str) -> dict[str, Wanted]:
    wanted: dict[str, Wanted] = {}
    for number, line in enumerate(lines, 1):
        try:
            want = parse_line(line)
        except C2LError as error:
            message = f"{source}, line {number}: {error.message}"
            raise BadInput(message, hint=error.hint) from error
        if want:
            wanted[line.strip()] = want
    return wanted


def _names(packages: Sequence[Wanted]) -> tuple[str, ...]:
    return tuple(package.name for package in packages if package.name)


def _plan(
    command: Command, *, packages: tuple[str, ...] = (), forgotten: tuple[str, ...] = ()
) -> PackagePlan:
    return PackagePlan(command.words, command.obstacle, command.hint, packages, forgotten)
