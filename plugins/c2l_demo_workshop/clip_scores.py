"""How well the embedder reads pictures and captions that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from open_clip.model import CLIP
from torch import Tensor
from torch.nn import functional as F

from c2l_demo.worlds import Scene, World
from c2l_demo_workshop.clip_model import Learner, encode_rows
from c2l_demo_workshop.corpus import Corpus, consistent
from c2l_demo_workshop.words import Vocabulary

NUM_ZERO_SHOT = 300  # pictures


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


def zero_shot(
    model: CLIP, corpus: Corpus, vocabulary: Vocabulary, images: Tensor
) -> dict[str, float]:
    """How often a caption beats itself with one attribute changed, per attribute.

    For each picture and attribute: a caption that names the attribute, and the same words for
    every other value of it; right if the true one has the largest cosine with the picture.

    Args:
        images: unit embeddings of the first pictures of `corpus`.
    """
    world = corpus.pictures.world
    asked: dict[str, list[tuple[int, int, list[int]]]] = {}  # picture, truth, rows of `texts`
    texts: list[str] = []
    for i in range(len(images)):
        scene, shown = corpus.pictures.scene(i), corpus.pictures.visible[i]
        for column, attribute in enumerate(world.attributes):
            if shown[column] < 0:
                continue
            seed = next((s for s in range(40) if attribute.name in spoken(world, scene, s)[1]), -1)
            if seed < 0:
                continue
            rows: list[int] = []
            truth = -1
            for value in range(len(attribute.values)):
                other = Scene({**scene.attributes, attribute.name: value}, scene.nuisances)
                text, named = spoken(world, other, seed)
                if named.get(attribute.name) == value:
                    truth = len(rows) if value == shown[column] else truth
                    rows.append(len(texts))
                    texts.append(text)
            if truth >= 0 and len(rows) > 1:
                asked.setdefault(attribute.name, []).append((i, truth, rows))
    embedded = embed_captions(model, vocabulary, texts)
    return {
        f"zero.{name}": float(
            np.mean([int((embedded[rows] @ images[i]).argmax()) == t for i, t, rows in questions])
        )
        for name, questions in asked.items()
    }


def spoken(world: World, scene: Scene, seed: int) -> tuple[str, dict[str, int]]:
    """The caption of a scene that a seed leads to, and what it names."""
    return world.caption(scene, np.random.default_rng(seed))


def evaluate(
    learner: Learner, corpus: Corpus, vocabulary: Vocabulary, num: int = 2000
) -> dict[str, float]:
    """Score on held-out pictures of one world.

    Returns:
        per attribute `head.*` and `text.*` (the linear head on pictures, on captions) and
        `zero.*` (see `zero_shot`);
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
    out |= zero_shot(learner.clip, corpus, vocabulary, images[:NUM_ZERO_SHOT])
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
    line = " ".join(f"{k} {scores[k]:.3f}" for k in ("i2t", "t2i", "i2t_exact", "gap"))
    print(f"[{title}] {line}", flush=True)
