"""``train_prior``: from pairs to one prior file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from c2l.devices import resolve_device
from c2l.embedder import Embedder
from c2l.generator import Generator
from c2l.guard import watch
from c2l.pairs import Pairs
from c2l.places import Place, place_of
from c2l.ranks import Ranks, find_member, join
from c2l.threads import single_threaded
from c2l.training.checkpoint import checkpoint_path
from c2l.training.checks import Faults, check_pairs, check_run
from c2l.training.log import TrainingLog
from c2l.training.report import TrainingProgress, TrainingReport
from c2l.training.run import TrainingRun
from c2l.training.sharing import sharing
from c2l.training.stages import Stages


def train_prior(
    prior: str | TrainingRun,
    pairs: Pairs,
    out: Place | str,
    *,
    generator: Generator | None = None,
    embedder: Embedder | None = None,
    on_progress: Callable[[TrainingProgress], None] | None = None,
    checkpoint_seconds: float = 30.0,
    **options: Any,
) -> TrainingReport:
    """Train a prior and write its file.

    A checkpoint is saved beside ``out`` regularly and at Ctrl-C. The same call resumes from it, and
    writes the same file as an uninterrupted run on the same machine. The averaged weights are
    validated every few hundred steps on held-out pairs: the best are kept, and training ends when
    they stop improving. There is a log beside ``out`` too (``TrainingLog``).

    Args:
        prior: a kind, as in ``flow``, or a whole run.
        pairs: to train on; the last twentieth, at most 2,048, is held out.
        out: the prior's file, or its address in a store; an existing one is replaced at the end.
        generator, embedder: the parts that made the pairs. The embedder embeds the prompts of the
            domain; with both, the prior is validated on pictures too.
        on_progress: called every few steps.
        checkpoint_seconds: between two checkpoints.
        options: fields of ``TrainingRun``, as in ``steps=2000`` or ``settings={"hidden": 512}``.
    Raises:
        UnknownReference, PluginFailed: no plugin provides the kind.
        BadInput: an option out of range, or pairs that cannot be used.
        IncompatibleParts: a part did not make these pairs, or the checkpoint is of another run.
        BadWeights: the checkpoint is damaged.
        NotWritable: ``out`` cannot be written.
        DeviceUnavailable: this machine does not have the device.
        MissingDependency: TensorBoard is asked for and not installed.
        TrainingInterrupted: Ctrl-C; the state is saved.
    """
    run = prior if isinstance(prior, TrainingRun) else TrainingRun(prior=prior)
    run = run.with_changes(**options, out=place_of(out))
    with join(find_member()) as ranks, ranks.failing_once():
        return train_together(
            ranks,
            sharing(run, ranks),
            pairs,
            generator=generator,
            embedder=embedder,
            on_progress=on_progress,
            checkpoint_seconds=checkpoint_seconds,
        )


def train_together(
    ranks: Ranks,
    run: TrainingRun,
    pairs: Pairs,
    *,
    generator: Generator | None,
    embedder: Embedder | None,
    on_progress: Callable[[TrainingProgress], None] | None,
    checkpoint_seconds: float = 30.0,
) -> TrainingReport:
    """``train_prior`` on ranks that have been joined.

    Args:
        run: as ``sharing`` gives it.
        on_progress: called by the first rank.
    """
    start = time.monotonic()
    assert run.out is not None
    for part in (generator, embedder):
        if part is not None:
            watch(part)
    faults = Faults()
    faults.catch(lambda: check_run(run))
    faults.catch(lambda: check_pairs(pairs, generator, embedder))
    faults.raise_all()
    with _one_thread_of_many(run):
        stages = Stages(ranks, run, pairs, generator, embedder)
        if not ranks.first:
            stages.train(None, checkpoint_seconds, lambda progress: None)
            stages.help()
            report: TrainingReport | None = None
        else:
            report = _train_and_tell(stages, start, checkpoint_seconds, on_progress)
    told: TrainingReport = ranks.told(report)
    return told


def _train_and_tell(
    stages: Stages,
    start: float,
    checkpoint_seconds: float,
    on_progress: Callable[[TrainingProgress], None] | None,
) -> TrainingReport:
    """All stages, as the only process that writes something."""
    run, out = stages.run, stages.out
    with TrainingLog(out, run.tensorboard) as log:

        def report(progress: TrainingProgress) -> None:
            if progress.loss is None:
                log.begin(stages.plan.to_dict(), progress.step)
            log.report(progress, time.monotonic() - start)
            if on_progress is not None:
                on_progress(progress)

        stages.train(log, checkpoint_seconds, report)
        card, words = stages.finish()
        if stages.choice is not None:
            log.write({"choice": stages.choice.to_dict()})
        log.write({"scores": dict(card.scores), "verdict": words})
    stages.save(out, card)
    checkpoint_path(out).unlink(missing_ok=True)
    sizes = {name: tensor.numel() for name, tensor in stages.prior.state_dict().items()}
    return TrainingReport(
        path=out,
        kind=run.prior,
        num_parameters=sum(n for name, n in sizes.items() if not name.startswith("student.")),
        training=card.training,
        scores=card.scores,
        choice="" if stages.choice is None else str(stages.choice),
        verdict=words,
        seconds=time.monotonic() - start,
    )


@contextmanager
def _one_thread_of_many(run: TrainingRun) -> Iterator[None]:
    """With one thread a processor gives the same bits whatever the number of its cores."""
    exact = run.parts_of_a_batch > 1 and not run.fast
    on_cpu = resolve_device(run.device).type == "cpu"
    with single_threaded() if exact and on_cpu else nullcontext():
        yield
