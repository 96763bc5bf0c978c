"""Training runs: read from fields and files, checked, and carried out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from c2l.embedder import Embedder
from c2l.errors import BadInput, C2LError, IncompatibleParts
from c2l.generator import Generator
from c2l.loading import load_embedder, load_generator
from c2l.pairs import Pairs, load_pairs, references_of
from c2l.places import Place
from c2l.prompts.domains import find_domain
from c2l.ranks import Launch, Ranks, find_member, join
from c2l.service.consent import Ask, fetch_with_consent, load_with_consent
from c2l.service.notices import Notice, Tell
from c2l.service.pairs import ChosenDevice, fill_folder
from c2l.service.pairs_engines import num_cores
from c2l.service.pairs_request import num_wanted
from c2l.service.typed_values import parse_groups, parse_settings
from c2l.training import TrainingProgress, TrainingReport, TrainingRun
from c2l.training.checkpoint import checkpoint_path
from c2l.training.checks import Faults, check_pairs, check_run
from c2l.training.oddities import find_unread
from c2l.training.outlook import outlook
from c2l.training.priors import try_prior
from c2l.training.sharing import check_sharing, sharing
from c2l.training.train import train_together
from c2l.training.unlike import find_unlike

if TYPE_CHECKING:
    from c2l_registry.downloads import FileReport

Parts = tuple[Generator, Embedder]


@dataclass(frozen=True)
class TrainingCallbacks:
    """What a front end can answer and show during a run; all are optional.

    Args:
        ask, tell, on_download: as in ``fetch_with_consent``.
        on_pairs: called with pairs made, pairs in total, and a note.
        on_training: called with the progress of training.
    """

    ask: Ask | None = None
    tell: Tell = lambda notice: None
    on_download: FileReport | None = None
    on_pairs: Callable[[int, int, str], None] = lambda done, num, note: None
    on_training: Callable[[TrainingProgress], None] = lambda progress: None


def read_run(file: Path | None, **fields: Any) -> TrainingRun:
    """The run that a TOML file and fields describe.

    Args:
        file: a run in TOML; None for fields alone.
        fields: those of ``TrainingRun``, which override the file; None means not given. ``groups``
            may be a text such as ``4,4,10``, and ``settings`` a list of texts such as
            ``hidden=512``.
    Raises:
        BadInput: it cannot be read, or says too little or too much.
    """
    fields["groups"] = parse_groups(fields.get("groups"))
    fields["class_labels"] = fields.get("class_labels") or None
    fields["settings"] = parse_settings(fields.get("settings")) or None
    given = {name: value for name, value in fields.items() if value is not None}
    run = TrainingRun.read(file, **given) if file is not None else TrainingRun(**given)
    if run.out is None:
        raise BadInput(
            "there is no file to write the prior to", hint="Name it with `out`", field="out"
        )
    if (run.generator is None) != (run.embedder is None):
        raise BadInput(
            "making pairs takes a generator and an embedder",
            hint="Give both `generator` and `embedder`",
            field="embedder" if run.embedder is None else "generator",
        )
    if run.generator is not None:
        return run
    if run.pairs is None:
        raise BadInput(
            "there is nothing to train on",
            hint="Give `pairs`, or `generator` and `embedder` to make some",
            field="pairs",
        )
    for name in ("num", "groups", "class_labels"):
        if getattr(run, name) is not None:
            raise BadInput(
                f"`{name}` is for making pairs, which takes a generator and an embedder",
                hint=f"Leave out `{name}`, or give `generator` and `embedder`",
                field=name,
            )
    return run


def speaks() -> bool:
    """Whether this process says what happens: of several that train together, the first does."""
    place = find_member()
    return place is None or place.rank == 0


def launch_training(run: TrainingRun, flags: Sequence[str], tell: Tell) -> int | None:
    """Start the processes that a run asks for, unless this is one of them, and wait for their end.

    Args:
        run: as ``read_run`` gives it.
        flags: of ``c2l train``, for what is no field of a run.
        tell: takes what happens to the processes. What they do is said by the first of them.
    Returns:
        the exit code; None if there is nothing to start.
    Raises:
        BadInput: so many processes cannot share the run.
    """
    place = find_member()
    if place is not None or run.processes is None:
        return None
    check_sharing(run)
    assert run.out is not None
    with TemporaryDirectory(prefix="c2l-") as folder:
        file = Path(folder) / "run.toml"
        file.write_text(run.to_toml(), encoding="utf-8")
        launch = Launch(
            command=[sys.executable, "-P", "-m", "c2l", "train", str(file), *flags],
            num=run.processes,
            progress=partial(_last_change, checkpoint_path(run.out)),
            tell=lambda text: tell(Notice("ranks", text)),
            threads=max(1, num_cores() // run.processes) if run.fast else 1,
        )
        return launch.run()


def _last_change(file: Place) -> object:
    """When a file was written, by the clock of whoever keeps it; None for none."""
    try:
        facts = file.stat()
    except (OSError, C2LError):
        return None
    return facts.st_mtime, facts.st_size


def run_training(
    run: TrainingRun, callbacks: TrainingCallbacks | None = None
) -> TrainingReport | None:
    """Make or read the pairs of a run, and train its prior.

    If torchrun or ``launch_training`` has started several processes, all of them call this.

    Args:
        callbacks: what to call for questions, notices, downloads and progress; None for nothing.
    Returns:
        The report; None in all of several processes except the first.
    Raises:
        PairsInterrupted, TrainingInterrupted: Ctrl-C; the same run resumes.
        As ``fetch_with_consent``, ``c2l.build_pairs`` and ``c2l.train_prior``.
    """
    callbacks = callbacks or TrainingCallbacks()
    with join(find_member()) as ranks, ranks.failing_once():
        if not ranks.first:
            callbacks = TrainingCallbacks(ask=callbacks.ask)
        report = _run_together(sharing(run, ranks), ranks, callbacks)
        return report if ranks.first else None


def _run_together(run: TrainingRun, ranks: Ranks, callbacks: TrainingCallbacks) -> TrainingReport:
    with ranks.first_goes_ahead():
        device, pairs, parts = _prepared(run, callbacks)
    generator, embedder = parts or (None, None)
    if parts and ranks.first:  # before hours are spent on them
        for odd in find_unlike(pairs, *parts):
            callbacks.tell(Notice("pairs", f"{odd.text}: {odd.cure}"))
    return train_together(
        ranks,
        run,
        pairs,
        generator=generator,
        embedder=embedder,
        on_progress=device.telling(callbacks.on_training),
    )


def _prepared(
    run: TrainingRun, callbacks: TrainingCallbacks
) -> tuple[ChosenDevice, Pairs, Parts | None]:
    if run.generator is None:
        pairs = _read_pairs(run, callbacks.tell)
        device = ChosenDevice(run.device, callbacks.tell)
        needed = run.domain is not None
        _tell_outlook(pairs.manifest.num, callbacks.tell)
        parts = _makers(pairs, device.name, callbacks.tell, ask=callbacks.ask, needed=needed)
        if parts:
            _tell_unread(run, parts, callbacks.tell)
        return device, pairs, parts
    check_run(run)
    device = ChosenDevice(run.device, callbacks.tell)
    pairs, parts = _new_pairs(run, device, callbacks)
    return device, pairs, parts


def _read_pairs(run: TrainingRun, tell: Tell) -> Pairs:
    """Check a run and read its pairs; all faults are reported together."""
    folder = run.pairs
    assert folder is not None
    faults = Faults()
    faults.catch(lambda: check_run(run))
    pairs = faults.catch(lambda: load_pairs(folder))
    if pairs is not None and faults:
        # The device may be what is wrong.
        parts = _makers(pairs, "cpu", tell) or (None, None)
        faults.catch(lambda: check_pairs(pairs, *parts))
    faults.raise_all()
    assert pairs is not None
    return pairs


def _new_pairs(
    run: TrainingRun, device: ChosenDevice, callbacks: TrainingCallbacks
) -> tuple[Pairs, Parts]:
    """Make the pairs of a run; returns them and the parts that made them."""
    assert run.out is not None and run.generator is not None and run.embedder is not None
    tell, named = callbacks.tell, run.generator
    fetch_with_consent(
        [named, run.embedder],
        ask=callbacks.ask,
        tell=tell,
        on_download=callbacks.on_download,
    )
    parts = (
        load_with_consent(lambda: load_generator(named, device=device.name), callbacks.ask),
        load_embedder(run.embedder, device=device.name),
    )
    folder = run.pairs or run.out.with_suffix(".pairs")
    num = num_wanted(folder) if run.num is None else run.num
    try_prior(run, num, *parts)
    _tell_outlook(num, tell)
    _tell_unread(run, parts, tell)
    try:
        pairs = fill_folder(
            *parts,
            folder,
            num,
            groups=run.groups,
            class_labels=run.class_labels,
            first_seed=run.first_seed,
            tell=tell,
            on_progress=device.telling(callbacks.on_pairs),
        )
    except IncompatibleParts as error:  # here, `out` is the prior's
        raise IncompatibleParts(
            error.message, hint="Choose another folder with `pairs`", field="pairs"
        ) from error
    return pairs, parts


def _tell_outlook(num: int, tell: Tell) -> None:
    if text := outlook(num):
        tell(Notice("pairs", text))


def _tell_unread(run: TrainingRun, parts: Parts, tell: Tell) -> None:
    generator, embedder = parts
    for odd in find_unread(find_domain(run.domain, generator.reference), embedder):
        tell(Notice("words", f"{odd.text}: {odd.cure}", "domain"))


def _makers(
    pairs: Pairs, device: str, tell: Tell, *, ask: Ask | None = None, needed: bool = False
) -> Parts | None:
    """The parts that made the pairs, to validate with; None if they cannot be loaded."""
    generator, embedder = references_of(pairs.folder, pairs.manifest)
    try:
        return (
            load_with_consent(lambda: load_generator(generator, device=device), ask),
            load_embedder(embedder, device=device),
        )
    except C2LError as error:
        if needed:
            raise
        tell(Notice("weights", f"no pictures are drawn to judge the prior: {error.message}"))
        return None
