"""The training loop: AdamW, a moving average of the weights, regular checkpoints."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from c2l.errors import BadInput
from c2l.guard import blaming
from c2l.interrupt import HeldInterrupt
from c2l.places import Place
from c2l.prior import Prior
from c2l.ranks import Ranks
from c2l.training.checkpoint import TrainingState
from c2l.training.feed import Feed
from c2l.training.gradients import gradients_of
from c2l.training.plan import TrainingPlan
from c2l.training.report import TrainingInterrupted, TrainingProgress, Validation

STEPS_IN_REPORT = 20


class Pace:
    """How fast steps are, without validations.

    Args:
        pairs: of a step, for each device.
    """

    def __init__(self, pairs: float) -> None:
        self._pairs = pairs
        self._start: tuple[int, float] | None = None

    def begin(self, step: int) -> None:
        """Count from here."""
        self._start = step, time.monotonic()

    def rate(self, step: int) -> float | None:
        """Pairs per second of each device since then; None before."""
        now = time.monotonic()
        start, self._start = self._start, (step, now)
        if start is None or step == start[0] or now == start[1]:
            return None
        return self._pairs * (step - start[0]) / (now - start[1])


def run_steps(
    prior: Prior,
    plan: TrainingPlan,
    feed: Feed,
    checkpoint: Place,
    *,
    ranks: Ranks,
    seconds_between: float,
    validate: Callable[[Prior, int], Validation],
    on_progress: Callable[[TrainingProgress], None],
) -> TrainingState:
    """Train from the start or the checkpoint until the plan ends or the loss stops improving.

    Args:
        prior: fitted, untrained, on its device.
        feed: gives the pairs to train on.
        checkpoint: written by the first of the ranks, and read by it.
        seconds_between: two checkpoints.
        validate: judges the averaged weights after a step; must not depend on anything else, and
            gives all ranks the same held-out loss.
        on_progress: called at the start, every few steps, and at the end.
    Returns:
        the last state, with the best averaged weights in ``average``.
    Raises:
        BadInput: the loss is no longer finite.
        TrainingInterrupted: Ctrl-C; the state is saved.
    """
    with blaming(type(prior), "__init__"):  # a prior without weights, or one that has no copy
        state = TrainingState.of(prior, plan)
    state.load(checkpoint, plan, ranks)
    resumed = state.step > 0
    if not resumed and ranks.first:
        # If the folder cannot be written, this fails now and not in an hour.
        state.save(checkpoint, plan)

    gradients = gradients_of(prior, plan, feed, ranks)
    prior.train()
    losses: list[Tensor] = []
    pace = Pace(plan.batch_size / ranks.num)
    saved = time.monotonic()
    on_progress(TrainingProgress(state.step, plan.steps, None, resumed))
    with HeldInterrupt() as interrupt:
        while state.step < plan.steps and not stopped_improving(state, plan):
            ranks.begin(state.step)
            for group in state.optimiser.param_groups:
                group["lr"] = plan.learning_rate_at(state.step)
            loss, asked = gradients.compute(state.step, interrupt.asked)
            torch.nn.utils.clip_grad_norm_(prior.parameters(), 1.0)
            state.optimiser.step()
            _follow(state.average, prior, plan.ema_at(state.step))
            state.step += 1
            losses.append(loss)

            is_validated = plan.validates_at(state.step)
            if is_validated or len(losses) == STEPS_IN_REPORT:
                mean = _mean(losses, state.step)
                losses.clear()
                rate = pace.rate(state.step)
                found = None
                if is_validated:
                    with ranks.at_leisure():
                        found = _validate(state, validate)
                    pace.begin(state.step)
                on_progress(TrainingProgress(state.step, plan.steps, mean, resumed, found, rate))
            if ranks.num == 1:
                asked = interrupt.asked
            if ranks.first and (asked or time.monotonic() - saved > seconds_between):
                state.save(checkpoint, plan)
                saved = time.monotonic()
            if asked:
                raise TrainingInterrupted(checkpoint, state.step, plan.steps)
    # If what follows is interrupted, it need not train again.
    if ranks.first:
        state.save(checkpoint, plan)
    if state.best is not None:
        state.average.load_state_dict(state.best.weights)
    return state


def stopped_improving(state: TrainingState, plan: TrainingPlan) -> bool:
    """Whether the last ``plan.patience`` validations have brought no new best."""
    if state.best is None:
        return False
    return state.step - state.best.step >= plan.patience * plan.validate_every


def _validate(state: TrainingState, validate: Callable[[Prior, int], Validation]) -> Validation:
    found = validate(state.average, state.step)
    best = state.keep_if_best(found.held_out_loss)
    return dataclasses.replace(found, best=best)


def _mean(losses: list[Tensor], step: int) -> float:
    mean = float(torch.stack(losses).mean())
    if mean != mean or mean == float("inf"):
        raise BadInput(
            f"the loss is {mean} at step {step}",
            hint="Use a lower `learning_rate`",
            field="learning_rate",
        )
    return mean


@torch.no_grad()
def _follow(average: Prior, prior: Prior, decay: float) -> None:
    """Move the average towards the weights; buffers are copied."""
    move = get_ema_multi_avg_fn(decay)
    move(list(average.parameters()), list(prior.parameters()), 0)
    for mine, its in zip(average.buffers(), prior.buffers(), strict=True):
        mine.copy_(its)
