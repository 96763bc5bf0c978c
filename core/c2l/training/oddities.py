"""What is strange about pairs and prompts, and limits whatever is trained on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from c2l.bridge.clouds import Clouds
from c2l.embedder import Embedder

MOST_PICTURES = 2048
FEW_PICTURES = 64


@dataclass(frozen=True)
class Oddity:
    """Something strange.

    Args:
        text: what is so.
        cure: what to do about it; empty if nothing helps.
        deaf: whether scores of prompts mean nothing then.
    """

    text: str
    cure: str
    deaf: bool


def find_oddities(embeddings: Tensor, texts: Tensor | None) -> Sequence[Oddity]:
    """Those of pairs (N, E) and of the domain's prompts (M, E), if there are any."""
    found = []
    if texts is not None and len(texts) > 1:
        clouds = Clouds.measure(embeddings, texts)
        if not clouds.texts_differ:
            found.append(
                Oddity(
                    "the embedder reads all prompts alike",
                    "no prior can follow it: use another embedder, or a `domain` whose words it "
                    "knows",
                    deaf=True,
                )
            )
        elif clouds.pictures_differ and not clouds.texts_suit:
            found.append(
                Oddity(
                    "none of these prompts is near anything the generator draws",
                    "give a `domain` of prompts that suit it",
                    deaf=True,
                )
            )
    num = len(embeddings[:MOST_PICTURES].unique(dim=0))
    if num == 1 < len(embeddings):
        cure = "no prior can follow it: use another embedder, or check the generator"
        found.append(Oddity("the embedder sees all pictures alike", cure, deaf=True))
    elif num < min(FEW_PICTURES, len(embeddings)):
        text = f"the pairs hold only {num} different pictures"
        found.append(Oddity(text, "a prior can draw no others", deaf=False))
    return found


def find_unread(prompts: Sequence[str], embedder: Embedder) -> Sequence[Oddity]:
    """Whether most prompts hold words that the embedder has never seen: pictures may lie near to
    them all the same, by words such as "on the" alone."""
    unknown = [words for prompt in prompts if (words := set(embedder.read_text(prompt).unknown))]
    if 2 * len(unknown) <= len(prompts):
        return ()
    usual = Counter(word for words in unknown for word in sorted(words)).most_common(3)
    shown = ", ".join(f"'{word}'" for word, _ in usual)
    return (
        Oddity(
            f"{len(unknown)} of {len(prompts)} prompts hold words that the embedder has never "
            f"seen, such as {shown}",
            "give a `domain` in words it knows",
            deaf=True,
        ),
    )
