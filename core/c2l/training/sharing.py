"""A run that several processes share: what fits, and what each of them makes of it."""

from __future__ import annotations

from c2l.errors import BadInput
from c2l.ranks import Ranks
from c2l.training.run import MICRO_BATCHES, TrainingRun


def sharing(run: TrainingRun, ranks: Ranks) -> TrainingRun:
    """The run, as this rank carries it out: with the number of processes and its own device.

    Raises:
        BadInput: the processes cannot share a step.
        DeviceUnavailable: there are fewer GPUs than processes.
    """
    if run.processes not in (None, ranks.num):
        raise BadInput(
            f"`processes={run.processes}` is asked for, and {ranks.num} are there",
            hint="Let `c2l train` start them, or start as many with torchrun",
            field="processes",
        )
    if ranks.joined:
        run = run.with_changes(processes=ranks.num, device=ranks.device(run.device))
    check_sharing(run)
    return run


def check_sharing(run: TrainingRun) -> None:
    """Raises ``BadInput`` unless the processes of a run can share its steps."""
    num, parts = run.processes or 1, run.parts_of_a_batch
    if parts & (parts - 1):
        raise BadInput(
            f"`micro_batches={parts}` is not a power of two",
            hint=f"Use `micro_batches={MICRO_BATCHES}`, or 1, 2, 4, 16",
            field="micro_batches",
        )
    if parts % num and not run.fast:
        fitting = [str(n) for n in (1, 2, 4, 8, 16, 32, 64) if parts % n == 0]
        raise BadInput(
            f"{num} processes cannot share {parts} micro-batches",
            hint=f"Use {', '.join(fitting[:-1])} or {fitting[-1]} `processes`"
            if len(fitting) > 1
            else "Leave out `micro_batches`",
            field="processes",
        )
    whole = num if run.fast else parts
    if run.batch_size is not None and run.batch_size % whole:
        raise BadInput(
            f"`batch_size={run.batch_size}` cannot be cut into {whole} equal parts",
            hint=f"Use `batch_size={-(-run.batch_size // whole) * whole}`",
            field="batch_size",
        )
