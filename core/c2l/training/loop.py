"""The training loop: AdamW, an average of the weights, a checkpoint now and then."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from c2l.errors import BadInput
from c2l.prior import Prior
from c2l.training.batches import Batches, rng_of
from c2l.training.checkpoint import TrainingState
from c2l.training.interrupt import HeldInterrupt
from c2l.training.plan import TrainingPlan
from c2l.training.report import TrainingInterrupted, TrainingProgress, Validation

STEPS_IN_REPORT = 20
BF16_PARAMETERS = 10_000_000
"""Networks below this size are bound by launching kernels; bf16 only adds conversions to them."""


def run_steps(
    prior: Prior,
    plan: TrainingPlan,
    embeddings: Tensor,
    latents: Tensor,
    checkpoint: Path,
    *,
    seconds_between: float,
    validate: Callable[[Prior, int], Validation],
    on_progress: Callable[[TrainingProgress], None],
) -> TrainingState:
    """Train from the start of the plan, or from the checkpoint, until it ends or gains no more.

    Args:
        prior: fitted, untrained, on its device.
        embeddings, latents: the pairs to train on, (N, E) and (N, K, D).
        seconds_between: checkpoints.
        validate: looks at the averaged weights after a step; must not depend on anything else.
        on_progress: called at the start, every few steps, and at the end.
    Returns:
        The last state. Its ``average`` holds the best of the averaged weights.
    Raises:
        BadInput: the loss is no longer finite.
        TrainingInterrupted: Ctrl-C; the state is saved.
    """
    state = TrainingState.of(prior, plan)
    state.load(checkpoint, plan)
    resumed = state.step > 0
    if not resumed:
        # Finds out now, not in an hour, whether there is a place to write.
        state.save(checkpoint, plan)

    batches = Batches(len(latents), plan.batch_size, plan.seed)
    num_parameters = sum(p.numel() for p in prior.parameters())
    bf16 = prior.device.type == "cuda" and num_parameters >= BF16_PARAMETERS
    prior.train()
    losses: list[Tensor] = []
    saved = time.monotonic()
    on_progress(TrainingProgress(state.step, plan.steps, None, resumed))
    with HeldInterrupt() as interrupt:
        while state.step < plan.steps and not gains_no_more(state, plan):
            rows = batches.rows(state.step)
            for group in state.optimiser.param_groups:
                group["lr"] = plan.learning_rate_at(state.step)
            with torch.autocast(prior.device.type, torch.bfloat16, enabled=bf16):
                loss = prior.training_loss(
                    embeddings[rows], latents[rows], rng_of(plan.seed, "step", state.step)
                )
            state.optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(prior.parameters(), 1.0)
            state.optimiser.step()
            _follow(state.average, prior, plan.ema_at(state.step))
            state.step += 1
            losses.append(loss.detach())

            look = plan.validates_at(state.step)
            if look or len(losses) == STEPS_IN_REPORT:
                mean = _mean(losses, state.step)
                losses.clear()
                seen = _look(state, validate) if look else None
                on_progress(TrainingProgress(state.step, plan.steps, mean, resumed, seen))
            if interrupt.asked or time.monotonic() - saved > seconds_between:
                state.save(checkpoint, plan)
                saved = time.monotonic()
            if interrupt.asked:
                raise TrainingInterrupted(checkpoint, state.step, plan.steps)
    # What follows may be cut off too, and would not want to train again.
    state.save(checkpoint, plan)
    if state.best is not None:
        state.average.load_state_dict(state.best.weights)
    return state


def gains_no_more(state: TrainingState, plan: TrainingPlan) -> bool:
    """Whether the last ``plan.patience`` looks have brought no new best."""
    if state.best is None:
        return False
    return state.step - state.best.step >= plan.patience * plan.validate_every


def _look(state: TrainingState, validate: Callable[[Prior, int], Validation]) -> Validation:
    seen = validate(state.average, state.step)
    best = state.keep_if_best(seen.held_out_loss)
    return dataclasses.replace(seen, best=best)


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
    """Move the average towards the weights; buffers are taken as they are."""
    move = get_ema_multi_avg_fn(decay)
    move(list(average.parameters()), list(prior.parameters()), 0)
    for mine, its in zip(average.buffers(), prior.buffers(), strict=True):
        mine.copy_(its)
