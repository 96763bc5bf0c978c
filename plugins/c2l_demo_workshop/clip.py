"""The demo's embedder: one small OpenCLIP model for both worlds, trained here from nothing.

A CLIP learns large shapes first and ear rings last if it only has pairs to learn from. We drew
the pictures, so we know more than pairs: which attributes each picture shows, which of them each
caption names, and so which captions are true of which pictures. Hence two losses:

* a linear head, shared by both towers, that reads the attributes off an embedding (off a text:
  those it names). Shared, it already lays pictures and captions into one space;
* contrastive, where every caption is paired with *all* pictures of the batch it is true of.

Supervised contrastive learning: Khosla et al. 2020, https://arxiv.org/abs/2004.11362.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from c2l_demo.worlds import WORLDS
from c2l_demo_workshop.clip_model import EMBED_DIM, PREPROCESS, TEXT, VISION, Learner
from c2l_demo_workshop.clip_scores import evaluate, report
from c2l_demo_workshop.corpus import Corpus, Feed, Labels
from c2l_demo_workshop.dataset import load
from c2l_demo_workshop.muon import Muon
from c2l_demo_workshop.words import Vocabulary


@dataclass(frozen=True)
class Phase:
    """One stretch of training, from the checkpoint of the phase before."""

    name: str
    steps: int
    images: int  # per batch
    texts: int  # per batch: captions of as many of those images
    learning_rate: float
    contrast: tuple[float, float]  # weight of the contrastive loss, first to last; heads weigh 1
    generated: float = 0.0  # part of each batch that the distilled generators drew
    only_text: bool = False  # train the text tower alone


PHASES = (
    Phase("renders", 1300, 64, 32, 2e-3, (0.1, 1.0)),
    Phase("soften", 300, 64, 48, 7e-4, (1.0, 1.0), generated=0.5),
    # Many more captions against pictures embedded once: the image tower does not move here.
    Phase("words", 450, 768, 192, 1.5e-3, (1.0, 1.0), generated=0.5, only_text=True),
)
MUON = 2.0  # times the learning rate of AdamW
FACES_SHARE = 0.6
SEED = 20


def optimizers_for(learner: Learner, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the convolutions, AdamW for the rest, of what is to be trained."""
    learnt = [p for p in learner.parameters() if p.requires_grad]
    convs = [p for p in learnt if p.ndim == 4]
    dense = [p for p in learnt if p.ndim in (2, 3)]
    plain = [p for p in learnt if p.ndim < 2]
    groups = [{"params": dense, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}]
    found: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))]
    return [*found, Muon(convs, MUON * rate)] if convs else found


def train(phase: Phase, learner: Learner, feed: Feed, file: Path) -> None:
    """Run one phase and leave the averaged weights in `learner` and in `file`."""
    print(f"[clip] {phase}", flush=True)
    if phase.only_text:
        feed.embed(learner.clip)
    text_tower = ("clip.token", "clip.positional", "clip.transformer", "clip.ln", "clip.text")
    for name, parameter in learner.named_parameters():
        parameter.requires_grad_(not phase.only_text or name.startswith(text_tower))
    optimizers = optimizers_for(learner, phase.learning_rate)
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: (
                min(1.0, (step + 1) / 50)
                * (0.02 + 0.98 * (1 + math.cos(math.pi * min(step / phase.steps, 1.0))) / 2)
            ),
        )
        for optimizer in optimizers
    ]
    follow = get_ema_multi_avg_fn(0.99)  # type: ignore[no-untyped-call]
    average = AveragedModel(learner, multi_avg_fn=follow, use_buffers=True)
    learner.train()
    started = time.time()
    smooth: dict[str, float] = {}
    for step in range(1, phase.steps + 1):
        done = step / phase.steps
        weight = phase.contrast[0] + done * (phase.contrast[1] - phase.contrast[0])
        if phase.only_text:
            loss, terms = learner.text_loss(feed.draw_texts(phase.images, phase.texts), weight)
        else:
            loss, terms = learner.loss(feed.draw(phase.images, phase.texts), weight)
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(learner.parameters(), 2.0)
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
        average.update_parameters(learner)
        for name, value in terms.items():
            smooth[name] = value + 0.95 * (smooth.get(name, value) - value)
        if step % 50 == 0 or step == phase.steps:
            shown = " ".join(f"{name} {value:.3f}" for name, value in smooth.items())
            rate = step * phase.images / (time.time() - started)
            print(f"[clip] {phase.name} {step}/{phase.steps} {shown} {rate:.0f} img/s", flush=True)
        if step % 250 == 0 or step == phase.steps:
            torch.save(average.module.state_dict(), file.with_suffix(".tmp"))
            file.with_suffix(".tmp").replace(file)
    learner.load_state_dict(average.module.state_dict())


def export(learner: Learner, vocabulary: Vocabulary, folder: Path) -> None:
    """Write open_clip's local folder, with the short token table and what it stands for."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_cfg": {"embed_dim": EMBED_DIM, "vision_cfg": VISION, "text_cfg": TEXT},
        "preprocess_cfg": PREPROCESS,
        "c2l": {
            "token_ids": vocabulary.token_ids,
            "unknown_row": vocabulary.unknown_row,
            "words": vocabulary.words,
        },
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config) + "\n")
    state = {
        name: tensor.half().contiguous()
        for name, tensor in learner.clip.state_dict().items()
        if name != "attn_mask" and not name.endswith("num_batches_tracked")
    }
    (folder / "open_clip_model.safetensors").write_bytes(save(state))


def run(work: Path, out: Path, phases: Sequence[str] = ()) -> None:
    """Train the phases (all by default) and export.

    Args:
        work: holds `faces-train`, `faces-test`, ... and, for a phase with generated pictures,
            `faces-generated` and `landscapes-generated`; checkpoints go to `clip-PHASE.pt`.
        out: the folder to write.
        phases: names of phases; the first starts from the phase before it.
    """
    torch.manual_seed(SEED)
    train_sets = [load(work / f"{name}-train") for name in WORLDS]
    worlds = [pictures.world for pictures in train_sets]
    labels, vocabulary = Labels(worlds), Vocabulary(worlds)
    learner = Learner(vocabulary, labels)
    shares = (FACES_SHARE, 1 - FACES_SHARE)
    drawn = [Corpus(pictures, i, labels) for i, pictures in enumerate(train_sets)]
    tests = [Corpus(load(work / f"{w.name}-test"), i, labels) for i, w in enumerate(worlds)]
    names = [phase.name for phase in PHASES]
    chosen = list(phases) or names
    if before := names.index(chosen[0]):
        state = torch.load(work / f"clip-{names[before - 1]}.pt", weights_only=True)
        learner.load_state_dict(state)
    num_weights = sum(p.numel() for p in learner.clip.parameters())
    print(f"[clip] {num_weights:,} parameters, {len(vocabulary)} token rows", flush=True)
    for number, phase in enumerate(PHASES):
        if phase.name not in chosen:
            continue
        sources = [(corpus, share * (1 - phase.generated))
                   for corpus, share in zip(drawn, shares, strict=True)]  # fmt: skip
        if phase.generated:
            sources += [
                (Corpus(load(work / f"{w.name}-generated"), i, labels), shares[i] * phase.generated)
                for i, w in enumerate(worlds)
            ]
        feed = Feed(sources, vocabulary, SEED + number)
        train(phase, learner, feed, work / f"clip-{phase.name}.pt")
        for corpus in tests:
            world = corpus.pictures.world.name
            report(evaluate(learner, corpus, vocabulary), f"{phase.name} {world}")
        export(learner, vocabulary, out)
