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
from typing import Any

import numpy as np
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from .augment import damage
from .dataset import Pictures, load
from .muon import Muon
from .words import CONTEXT_LENGTH, Vocabulary
from .world import World, is_held_out

EMBED_DIM = 128
IMAGE_SIZE = 64
VISION: dict[str, Any] = {"image_size": IMAGE_SIZE, "layers": [1, 1, 1, 1], "width": 16,
                          "patch_size": None}  # fmt: skip
TEXT: dict[str, Any] = {"context_length": CONTEXT_LENGTH, "vocab_size": 49408, "width": 128,
                        "heads": 4, "layers": 2}  # fmt: skip
PREPROCESS: dict[str, Any] = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic",
                              "resize_mode": "shortest"}  # fmt: skip

# Small or subtle things are learnt last; the heads weigh them more.
WEIGHTS = {"ear_rings": 2.0, "expression": 2.0, "age": 2.0, "glasses": 1.5, "facial_hair": 1.5,
           "hair_style": 1.5, "season": 1.5, "celestial": 1.5, "rainbow": 1.5}  # fmt: skip


@dataclass(frozen=True)
class Phase:
    """One stretch of training, from the checkpoint of the phase before."""

    name: str
    steps: int
    images: int  # per batch
    texts: int  # per batch: captions of as many of those images
    learning_rate: float
    contrast: tuple[float, float]  # weight of the contrastive loss, first to last; the heads weigh 1
    generated: float = 0.0  # part of each batch that the distilled generators drew


PHASES = (
    Phase("renders", 1300, 64, 32, 2e-3, (0.1, 1.0)),
    Phase("soften", 400, 64, 48, 7e-4, (1.0, 1.0), generated=0.5),
)
MUON = 2.0  # times the learning rate of AdamW
FACES_SHARE = 0.6
SEED = 20


class Labels:
    """Attributes of all worlds in one row, the world itself first; -1: not visible or not named."""

    def __init__(self, worlds: Sequence[World]) -> None:
        self.names = ["world"]
        self.sizes = [len(worlds)]
        self.values: list[tuple[str, ...]] = [tuple(world.name for world in worlds)]
        self.start: list[int] = []
        for world in worlds:
            self.start.append(len(self.names))
            self.names += [f"{world.name}.{a.name}" for a in world.attributes]
            self.sizes += [len(a.values) for a in world.attributes]
            self.values += [a.values for a in world.attributes]
        self.weights = [WEIGHTS.get(name.split(".")[-1], 1.0) for name in self.names]

    def place(self, world: int, labels: np.ndarray) -> np.ndarray:
        """Labels of one world (N, its attributes) to labels of all (N, A)."""
        out = np.full((len(labels), len(self.names)), -1, dtype=np.int64)
        out[:, 0] = world
        out[:, self.start[world] : self.start[world] + labels.shape[1]] = labels
        return out


class Heads(nn.Module):
    """Reads every attribute linearly off a unit embedding."""

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = list(sizes)
        self.linear = nn.Linear(EMBED_DIM, sum(sizes))
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, embeddings: Tensor) -> tuple[Tensor, ...]:
        """Embeddings (B, E), any length, to one tensor of logits (B, values) per attribute."""
        logits: Tensor = self.linear(F.normalize(embeddings, dim=-1) * self.log_scale.exp())
        return logits.split(self.sizes, dim=-1)

    def loss(self, embeddings: Tensor, labels: Tensor, weights: Sequence[float]) -> Tensor:
        """Cross entropy over all labels that are known, weighted by attribute."""
        total = embeddings.new_zeros(())
        count = 0.0
        for logits, wanted, weight in zip(
            self(embeddings), labels.unbind(1), weights, strict=True
        ):
            total = total + weight * F.cross_entropy(
                logits, wanted, ignore_index=-1, reduction="sum"
            )
            count += weight * int((wanted >= 0).sum())
        return total / max(count, 1.0)


def consistent(texts: Tensor, images: Tensor) -> Tensor:
    """Which captions are true of which pictures: labels (T, A), (I, A) to bool (T, I)."""
    agrees = texts[:, None] == images[None]
    return (agrees | (texts[:, None] < 0)).all(-1)


def contrast(texts: Tensor, images: Tensor, true: Tensor, scale: Tensor) -> Tensor:
    """Cross entropy, both ways, against all true partners in equal parts.

    Args:
        texts, images: unit embeddings (T, E), (I, E).
        true: bool (T, I).
        scale: factor on the cosines.
    """
    logits = scale * texts @ images.T
    target = true.float()
    by_text = -(target * logits.log_softmax(1)).sum(1) / target.sum(1).clamp(min=1)
    by_image = -(target * logits.log_softmax(0)).sum(0) / target.sum(0).clamp(min=1)
    has_text = true.any(0).float()
    return (by_text.mean() + (by_image * has_text).sum() / has_text.sum().clamp(min=1)) / 2


def new_model(vocabulary: Vocabulary) -> CLIP:
    """A CLIP whose token table has one row for each piece of the vocabulary."""
    text = {**TEXT, "vocab_size": len(vocabulary)}
    model = CLIP(EMBED_DIM, CLIPVisionCfg(**VISION), CLIPTextCfg(**text))
    model.visual.to(memory_format=torch.channels_last)
    return model


def encode_rows(model: CLIP, rows: Tensor, ends: Tensor) -> Tensor:
    """The text tower on rows (B, L <= context); causal, so that the padding is never seen."""
    length = rows.shape[1]
    x = model.token_embedding(rows) + model.positional_embedding[:length]
    x = model.transformer(x, attn_mask=model.attn_mask[:length, :length])
    x = model.ln_final(x)[torch.arange(len(rows)), ends]
    out: Tensor = x @ model.text_projection
    return out


def shrink(images: np.ndarray) -> np.ndarray:
    """Pictures (N, H, W, 3) uint8 to the size that the tower sees, as the embedder resizes them."""
    out = np.empty((len(images), IMAGE_SIZE, IMAGE_SIZE, 3), dtype=np.uint8)
    for start in range(0, len(images), 256):
        x = torch.from_numpy(np.array(images[start : start + 256])).permute(0, 3, 1, 2)
        x = F.interpolate(x / 255.0, (IMAGE_SIZE, IMAGE_SIZE), mode="bicubic", antialias=True)
        x = (x.clamp(0, 1) * 255).round().to(torch.uint8)
        out[start : start + 256] = x.permute(0, 2, 3, 1).numpy()
    return out


class Corpus:
    """The pictures of one world at the tower's size, with labels and endless captions."""

    def __init__(self, pictures: Pictures, index: int, labels: Labels) -> None:
        self.pictures = pictures
        self.index, self.labels = index, labels
        self.small = shrink(pictures.images)
        self.visible = labels.place(index, pictures.visible)

    def images(self, chosen: np.ndarray) -> Tensor:
        """float32 (B, 3, 64, 64), range [-1, 1], channels last."""
        return torch.from_numpy(self.small[chosen]).permute(0, 3, 1, 2) / 127.5 - 1

    def captions(
        self, chosen: np.ndarray, rng: np.random.Generator, held_out: bool = False
    ) -> tuple[list[str], np.ndarray]:
        """A caption for each chosen picture, and what it names (B, A); held-out ones on demand."""
        world = self.pictures.world
        texts: list[str] = []
        named = np.full((len(chosen), len(world.attributes)), -1, dtype=np.int64)
        for row, i in enumerate(chosen):
            scene = self.pictures.scene(int(i))
            text, names = world.caption(scene, rng)
            while is_held_out(text):
                text, names = world.caption(scene, rng)
            texts.append(text)
            for column, attribute in enumerate(world.attributes):
                named[row, column] = names.get(attribute.name, -1)
        return texts, self.labels.place(self.index, named)


@dataclass
class Batch:
    """Images with what they show, and captions with what they name."""

    images: Tensor
    shown: Tensor
    rows: Tensor
    ends: Tensor
    named: Tensor


class Feed:
    """Draws batches from both worlds, rendered and generated."""

    def __init__(
        self, corpora: Sequence[tuple[Corpus, float]], vocabulary: Vocabulary, seed: int
    ) -> None:
        self.corpora = [corpus for corpus, _ in corpora]
        share = np.array([weight for _, weight in corpora])
        self.share = share / share.sum()
        self.vocabulary = vocabulary
        self.rng = np.random.default_rng(seed)
        self.random = torch.Generator().manual_seed(seed)

    def draw(self, num_images: int, num_texts: int) -> Batch:
        """One batch; the captions belong to `num_texts` of the images."""
        images, shown, captions, named = [], [], [], []
        sizes = self.rng.multinomial(num_images, self.share)
        for corpus, size in zip(self.corpora, sizes, strict=True):
            chosen = self.rng.integers(len(corpus.small), size=size)
            images.append(corpus.images(chosen))
            shown.append(corpus.visible[chosen])
            texts, names = corpus.captions(chosen[: round(size * num_texts / num_images)], self.rng)
            captions += texts
            named.append(names)
        rows, ends = self.vocabulary.batch(captions, self.rng)
        return Batch(
            damage(torch.cat(images), self.random),
            torch.from_numpy(np.concatenate(shown)),
            rows,
            ends,
            torch.from_numpy(np.concatenate(named)),
        )


class Learner(nn.Module):
    """The CLIP with the heads that only training needs."""

    def __init__(self, vocabulary: Vocabulary, labels: Labels) -> None:
        super().__init__()
        self.clip = new_model(vocabulary)
        self.heads = Heads(labels.sizes)
        self.weights = labels.weights

    def loss(self, batch: Batch, weight: float) -> tuple[Tensor, dict[str, float]]:
        """What a training step descends, and its terms for the log."""
        images = self.clip.encode_image(batch.images)
        texts = encode_rows(self.clip, batch.rows, batch.ends)
        by_image = self.heads.loss(images, batch.shown, self.weights)
        by_text = self.heads.loss(texts, batch.named, self.weights)
        images, texts = F.normalize(images, dim=-1), F.normalize(texts, dim=-1)
        scale = self.clip.logit_scale.exp().clamp(max=50.0)
        pairs = contrast(texts, images, consistent(batch.named, batch.shown), scale)
        # Both clouds about one centre: a prior trained on pictures is asked with texts.
        gap = (images.mean(0) - texts.mean(0)).square().sum()
        loss = by_image + by_text + weight * (pairs + gap)
        terms = {"image": by_image, "text": by_text, "pairs": pairs, "gap": gap.sqrt()}
        return loss, {name: float(term.detach()) for name, term in terms.items()}


def optimizers_for(learner: Learner, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the convolutions, AdamW for the rest."""
    convs = [p for p in learner.parameters() if p.ndim == 4]
    dense = [p for p in learner.parameters() if p.ndim in (2, 3)]
    plain = [p for p in learner.parameters() if p.ndim < 2]
    groups = [{"params": dense, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}]
    return [torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98)), Muon(convs, MUON * rate)]


def train(phase: Phase, learner: Learner, feed: Feed, file: Path) -> None:
    """Run one phase and leave the averaged weights in `learner` and in `file`."""
    print(f"[clip] {phase}", flush=True)
    optimizers = optimizers_for(learner, phase.learning_rate)
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: min(1.0, (step + 1) / 50)
            * (0.02 + 0.98 * (1 + math.cos(math.pi * min(step / phase.steps, 1.0))) / 2),
        )
        for optimizer in optimizers
    ]
    average = AveragedModel(learner, multi_avg_fn=get_ema_multi_avg_fn(0.99), use_buffers=True)
    learner.train()
    started = time.time()
    smooth: dict[str, float] = {}
    for step in range(1, phase.steps + 1):
        done = step / phase.steps
        weight = phase.contrast[0] + done * (phase.contrast[1] - phase.contrast[0])
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
    save_file(state, folder / "open_clip_model.safetensors")


@torch.inference_mode()
def embed_captions(model: CLIP, vocabulary: Vocabulary, captions: Sequence[str]) -> Tensor:
    """Unit embeddings (B, E) of captions."""
    parts = [
        encode_rows(model, *vocabulary.batch(captions[i : i + 256]))
        for i in range(0, len(captions), 256)
    ]
    return F.normalize(torch.cat(parts), dim=-1)


@torch.inference_mode()
def embed_pictures(model: CLIP, corpus: Corpus, num: int) -> Tensor:
    """Unit embeddings (B, E) of the first `num` pictures."""
    order = np.arange(min(num, len(corpus.small)))
    parts = [
        model.encode_image(corpus.images(order[i : i + 256])) for i in range(0, len(order), 256)
    ]
    return F.normalize(torch.cat(parts), dim=-1)


def evaluate(
    learner: Learner, corpus: Corpus, vocabulary: Vocabulary, num: int = 2000
) -> dict[str, float]:
    """Score on held-out pictures of one world.

    Returns:
        per attribute `head.*` and `text.*` (the linear head on pictures, on captions) and
        `zero.*` (a picture's nearest value, each value the mean of the captions that name it);
        `i2t`, `t2i`: how often the nearest of 256 captions (pictures) is true; `i2t_exact`: is
        the very caption; `gap`: distance between the mean picture and the mean caption.
    """
    learner.eval()
    rng = np.random.default_rng(7)
    labels = corpus.labels
    images = embed_pictures(learner.clip, corpus, num)
    shown = torch.from_numpy(corpus.visible[: len(images)])
    captions, names = corpus.captions(np.arange(len(images)), rng, held_out=True)
    texts, named = embed_captions(learner.clip, vocabulary, captions), torch.from_numpy(names)
    out: dict[str, float] = {}
    with torch.inference_mode():
        for kind, embeddings, known in (("head", images, shown), ("text", texts, named)):
            for name, logits, wanted in zip(
                labels.names, learner.heads(embeddings), known.unbind(1), strict=True
            ):
                seen = wanted >= 0
                if "." in name and bool(seen.any()):
                    right = logits[seen].argmax(1) == wanted[seen]
                    out[f"{kind}.{name.split('.')[1]}"] = float(right.float().mean())
    for column, name in enumerate(labels.names):
        seen = shown[:, column] >= 0
        prompts = [texts[named[:, column] == v] for v in range(labels.sizes[column])]
        if "." in name and bool(seen.any()) and all(len(p) for p in prompts):
            classes = F.normalize(torch.stack([p.mean(0) for p in prompts]), dim=-1)
            # Centred, as a mean over captions still holds what all captions share.
            centred = images[seen] - images.mean(0)
            guess = (centred @ (classes - classes.mean(0)).T).argmax(1)
            right = guess == shown[seen, column]
            out[f"zero.{name.split('.')[1]}"] = float(right.float().mean())
    hits: dict[str, list[float]] = {"i2t": [], "t2i": [], "i2t_exact": []}
    for start in range(0, len(images) - 255, 256):
        part = slice(start, start + 256)
        cosines = texts[part] @ images[part].T
        true = consistent(named[part], shown[part])
        every = torch.arange(256)
        hits["i2t"].append(float(true[cosines.argmax(0), every].float().mean()))
        hits["t2i"].append(float(true[every, cosines.argmax(1)].float().mean()))
        hits["i2t_exact"].append(float((cosines.argmax(0) == every).float().mean()))
    out |= {name: float(np.mean(values)) for name, values in hits.items()}
    out["gap"] = float((images.mean(0) - texts.mean(0)).norm())
    return out


def report(scores: dict[str, float], title: str) -> None:
    """Print scores, one line for each kind."""
    for kind in ("head", "text", "zero"):
        found = {k.split(".")[1]: v for k, v in scores.items() if k.startswith(kind + ".")}
        mean = sum(found.values()) / max(len(found), 1)
        line = " ".join(f"{name} {value:.3f}" for name, value in found.items())
        print(f"[{title}] {kind:4} mean {mean:.3f} | {line}")
    print(f"[{title}]", " ".join(f"{k} {scores[k]:.3f}" for k in ("i2t", "t2i", "i2t_exact", "gap")),
          flush=True)  # fmt: skip


def run(work: Path, out: Path, phases: Sequence[str] = ()) -> None:
    """Train the phases (all by default) and export.

    Args:
        work: holds `faces-train`, `faces-test`, ... and, for a phase with generated pictures,
            `faces-generated` and `landscapes-generated`; checkpoints go to `clip-PHASE.pt`.
        out: the folder to write.
        phases: names of phases; the first starts from the phase before it.
    """
    torch.manual_seed(SEED)
    train_sets = [load(work / f"{name}-train") for name in ("faces", "landscapes")]
    worlds = [pictures.world for pictures in train_sets]
    labels, vocabulary = Labels(worlds), Vocabulary(worlds)
    learner = Learner(vocabulary, labels)
    shares = (FACES_SHARE, 1 - FACES_SHARE)
    drawn = [Corpus(pictures, i, labels) for i, pictures in enumerate(train_sets)]
    tests = [Corpus(load(work / f"{w.name}-test"), i, labels) for i, w in enumerate(worlds)]
    names = [phase.name for phase in PHASES]
    chosen = list(phases) or names
    if before := names.index(chosen[0]):
        learner.load_state_dict(torch.load(work / f"clip-{names[before - 1]}.pt", weights_only=True))
    print(f"[clip] {sum(p.numel() for p in learner.clip.parameters()):,} parameters, "
          f"{len(vocabulary)} token rows, {len(vocabulary.words)} words", flush=True)  # fmt: skip
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
        train(phase, learner, Feed(sources, vocabulary, SEED + number), work / f"clip-{phase.name}.pt")
        for corpus in tests:
            report(evaluate(learner, corpus, vocabulary), f"{phase.name} {corpus.pictures.world.name}")
        export(learner, vocabulary, out)
