"""The training loop: AdamW, an average of the weights, a checkpoint now and then."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from c2l.errors import BadInput
from c2l.prior import Prior
from c2l.training.batches import Batches, rng_of
from c2l.training.checkpoint import load_checkpoint, save_checkpoint
from c2l.training.interrupt import HeldInterrupt
from c2l.training.plan import TrainingPlan
from c2l.training.report import Progress, TrainingInterrupted

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
    on_progress: Callable[[Progress], None],
) -> Prior:
    """Train to the end of the plan, from its start or from the checkpoint.

    Args:
        prior: fitted, untrained, on its device.
        embeddings, latents: the pairs to train on, (N, E) and (N, K, D).
        seconds_between: checkpoints.
        on_progress: called at the start, every few steps, and at the end.
    Returns:
        The average of the weights, in eval mode.
    Raises:
        BadInput: the loss is no longer finite.
        TrainingInterrupted: Ctrl-C; the state is saved.
    """
    average = copy.deepcopy(prior).requires_grad_(False)
    optimiser = torch.optim.AdamW(
        prior.parameters(), betas=(0.9, 0.99), weight_decay=plan.weight_decay, fused=_fused(prior)
    )
    step = load_checkpoint(checkpoint, plan, prior, average, optimiser)
    resumed = step > 0
    if not resumed:
        # Finds out now, not in an hour, whether there is a place to write.
        save_checkpoint(checkpoint, plan, step, prior, average, optimiser)

    batches = Batches(len(latents), plan.batch_size, plan.seed)
    num_parameters = sum(p.numel() for p in prior.parameters())
    bf16 = prior.device.type == "cuda" and num_parameters >= BF16_PARAMETERS
    prior.train()
    losses: list[Tensor] = []
    saved = time.monotonic()
    on_progress(Progress(step, plan.steps, None, resumed))
    with HeldInterrupt() as interrupt:
        while step < plan.steps:
            rows = batches.rows(step)
            for group in optimiser.param_groups:
                group["lr"] = plan.learning_rate_at(step)
            with torch.autocast(prior.device.type, torch.bfloat16, enabled=bf16):
                loss = prior.training_loss(
                    embeddings[rows], latents[rows], rng_of(plan.seed, "step", step)
                )
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(prior.parameters(), 1.0)
            optimiser.step()
            _follow(average, prior, plan.ema_at(step))
            step += 1
            losses.append(loss.detach())

            if len(losses) == STEPS_IN_REPORT or step == plan.steps:
                mean = float(torch.stack(losses).mean())
                losses.clear()
                if mean != mean or mean == float("inf"):
                    raise BadInput(
                        f"the loss is {mean} at step {step}", hint="Use a lower --learning-rate"
                    )
                on_progress(Progress(step, plan.steps, mean, resumed))
            if interrupt.asked or time.monotonic() - saved > seconds_between:
                save_checkpoint(checkpoint, plan, step, prior, average, optimiser)
                saved = time.monotonic()
            if interrupt.asked:
                raise TrainingInterrupted(checkpoint, step, plan.steps)
    return average.eval()


@torch.no_grad()
def held_out_loss(prior: Prior, embeddings: Tensor, latents: Tensor, seed: int) -> float:
    """The training loss on pairs that were left aside, under fixed noise."""
    total = 0.0
    for start in range(0, len(latents), 256):
        part = slice(start, start + 256)
        loss = prior.training_loss(embeddings[part], latents[part], rng_of(seed, "held out", start))
        total += float(loss) * len(latents[part])
    return total / len(latents)


@torch.no_grad()
def _follow(average: Prior, prior: Prior, decay: float) -> None:
    """Move the average towards the weights; buffers are taken as they are."""
    move = get_ema_multi_avg_fn(decay)
    move(list(average.parameters()), list(prior.parameters()), 0)
    for mine, its in zip(average.buffers(), prior.buffers(), strict=True):
        mine.copy_(its)


def _fused(prior: Prior) -> bool:
    return prior.device.type in {"cpu", "cuda"}
