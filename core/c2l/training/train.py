"""``train_prior``: pairs to one prior file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from c2l.devices import resolve_device
from c2l.embedder import Embedder
from c2l.errors import BadInput, IncompatibleParts
from c2l.generator import Generator
from c2l.pairs import Pairs
from c2l.prior import Prior, PriorCard
from c2l.training.checkpoint import checkpoint_path
from c2l.training.loop import held_out_loss, run_steps
from c2l.training.plan import TrainingPlan, make_plan, new_prior
from c2l.training.report import Progress, TrainingReport
from c2l.training.validation import held_out_scores, prompt_scores


def train_prior(
    kind: str,
    pairs: Pairs,
    out: Path | str,
    *,
    generator: Generator | None = None,
    embedder: Embedder | None = None,
    prompts: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    seed: int = 0,
    device: str = "cpu",
    half: bool = False,
    checkpoint_seconds: float = 30.0,
    on_progress: Callable[[Progress], None] | None = None,
) -> TrainingReport:
    """Train a prior and write its file.

    The state is saved beside ``out`` now and then and at Ctrl-C. The same call goes on from it,
    and ends with the same file as an uninterrupted run on the same machine.

    Args:
        kind: of the prior, as in ``flow``.
        pairs: what to train on; the last twentieth, at most 2,048, is left aside.
        out: the prior's file; replaced at the end if it is there.
        generator, embedder: the parts that made the pairs; with both, pictures are drawn at the
            end to score the prior.
        prompts: to score it by; needs both parts.
        settings: of the prior, instead of what suits the number of pairs.
        steps, batch_size, learning_rate: instead of what suits the number of pairs.
        seed: of first weights, batches and noise.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``auto``.
        half: store the weights in float16.
        checkpoint_seconds: between two checkpoints.
        on_progress: called every few steps.
    Raises:
        UnknownReference, PluginFailed: no plugin provides the kind.
        BadInput: a setting that cannot be used.
        IncompatibleParts: a part did not make these pairs, or the checkpoint is of another run.
        BadWeights: the checkpoint is damaged.
        NotWritable: ``out`` cannot be written.
        DeviceUnavailable: this machine does not have the device.
        TrainingInterrupted: Ctrl-C; the state is saved.
    """
    out, start = Path(out), time.monotonic()
    _check_parts(pairs, generator, embedder)
    if prompts and (generator is None or embedder is None):
        raise BadInput(
            "prompts are judged with a generator and an embedder", hint="Give both, or no prompts"
        )
    where = resolve_device(device)
    prior = new_prior(kind, pairs, settings or {}, seed)
    plan = make_plan(
        prior,
        kind,
        pairs,
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
    )
    embeddings, latents = pairs.embeddings[: plan.num_pairs], pairs.latents[: plan.num_pairs]
    prior.fit(embeddings, latents)
    prior.to(where)
    checkpoint = checkpoint_path(out)
    if prior.trains_by_gradient:
        prior = run_steps(
            prior,
            plan,
            embeddings,
            latents,
            checkpoint,
            seconds_between=checkpoint_seconds,
            on_progress=on_progress or (lambda progress: None),
        )
    prior.eval().requires_grad_(False)

    scores = _scores(prior, plan, pairs, generator, embedder, prompts)
    card = _card(prior, plan, pairs, scores, len(prompts))
    prior.save(out, card, half=half)
    checkpoint.unlink(missing_ok=True)
    return TrainingReport(
        path=out,
        kind=kind,
        num_parameters=sum(t.numel() for t in prior.state_dict().values()),
        training=card.training,
        scores=scores,
        seconds=time.monotonic() - start,
    )


def _scores(
    prior: Prior,
    plan: TrainingPlan,
    pairs: Pairs,
    generator: Generator | None,
    embedder: Embedder | None,
    prompts: Sequence[str],
) -> dict[str, float]:
    scores: dict[str, float] = {}
    embeddings, latents = pairs.embeddings[plan.num_pairs :], pairs.latents[plan.num_pairs :]
    if prior.trains_by_gradient and len(latents):
        scores["held_out_loss"] = held_out_loss(prior, embeddings, latents, plan.seed)
    if generator is not None and embedder is not None:
        repeats = pairs.manifest.repeats
        if len(latents):
            scores |= held_out_scores(prior, generator, embedder, embeddings, repeats)
        if prompts:
            scores |= prompt_scores(prior, generator, embedder, prompts, repeats)
    return {name: round(value, 5) for name, value in scores.items()}


def _card(
    prior: Prior, plan: TrainingPlan, pairs: Pairs, scores: Mapping[str, float], num_prompts: int
) -> PriorCard:
    """What the file says. No time and no date: the same run gives the same bytes."""
    from c2l import __version__

    training = {k: v for k, v in plan.to_dict().items() if k not in {"kind", "settings"}}
    if not prior.trains_by_gradient:
        training = {k: training[k] for k in ("pairs", "num_pairs", "num_held_out", "seed")}
    training["num_prompts"] = num_prompts
    training["first_seed"] = pairs.manifest.first_seed
    training["versions"] = {"c2l": __version__, "torch": torch.__version__}
    return PriorCard(
        kind=plan.kind,
        settings=dict(prior.settings()),
        generator=pairs.manifest.generator,
        embedder=pairs.manifest.embedder,
        repeats=pairs.manifest.repeats,
        training=training,
        scores=scores,
    )


def _check_parts(pairs: Pairs, generator: Generator | None, embedder: Embedder | None) -> None:
    """Raises ``IncompatibleParts`` unless the parts are those that made the pairs."""
    wrong = [
        f"their {role} is {card.reference}, not {part.reference}"
        for role, card, part in (
            ("generator", pairs.manifest.generator, generator),
            ("embedder", pairs.manifest.embedder, embedder),
        )
        if part is not None and part.fingerprint() != card.fingerprint
    ]
    if wrong:
        raise IncompatibleParts(
            f"the pairs in {pairs.folder} are of other parts: {'; '.join(wrong)}",
            hint="Make pairs of these parts in another folder",
        )
