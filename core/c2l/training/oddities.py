"""Oddities of pairs and prompts, which limit whatever is trained on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import normalize

from c2l.bridge.clouds import NO_SPREAD, Clouds, alike
from c2l.embedder import Embedder
from c2l.prompts.domains import Domain
from c2l.prompts.words import naming_words, words_read_as_nonsense

MOST_PICTURES = 2048
FEW_PICTURES = 64
MOST_UNREAD = 1 / 3
"""The share of prompts in which the embedder knows no word. Lists for other worlds have .5 to .9;
the general list has .1 for an embedder that knows only colours."""
LEAST_TOLD_APART = 1 / 10


@dataclass(frozen=True)
class Oddity:
    """Something odd.

    Args:
        text: what it is.
        cure: what to do about it, or what follows from it.
        deaf: whether it makes scores of prompts meaningless.
    """

    text: str
    cure: str
    deaf: bool


def find_oddities(
    embeddings: Tensor, texts: Tensor | None, unread: Sequence[Oddity] = ()
) -> Sequence[Oddity]:
    """Oddities of the embeddings of pairs (N, E) and of the domain's prompts (M, E).

    Args:
        unread: what ``find_unread`` found. It matters less than all prompts being alike, and
            explains why none is near any picture.
    """
    found: list[Oddity] = []
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
        else:
            found += unread
            heard = not any(oddity.deaf for oddity in unread)
            if heard and clouds.pictures_differ and not clouds.texts_suit:
                found.append(
                    Oddity(
                        "none of these prompts is near anything the generator draws",
                        "give a `domain` of prompts that suit it",
                        deaf=True,
                    )
                )
    num = len(embeddings[:MOST_PICTURES].unique(dim=0))
    if len(embeddings) > 1 and not told_apart(embeddings[:MOST_PICTURES]):
        cure = "no prior can follow it: use another embedder, or check the generator"
        found.append(Oddity("the embedder sees all pictures alike", cure, deaf=True))
    elif num < min(FEW_PICTURES, len(embeddings)):
        text = f"the pairs hold only {num} different pictures"
        found.append(Oddity(text, "a prior can draw no others", deaf=False))
    return found


def told_apart(embeddings: Tensor) -> bool:
    """Whether embeddings (N, E) of pictures differ by more than rounding does."""
    return 1 - alike(normalize(embeddings.double(), dim=1)) > NO_SPREAD**2


def find_unread(domain: Domain, embedder: Embedder) -> Sequence[Oddity]:
    """Whether the embedder has never seen the words of a domain's prompts.

    Pictures may lie near such prompts anyway, because of words like "on the". There is an oddity if
    most prompts contain words that the embedder calls unknown, or if many contain only words that
    it reads as nonsense. Some such words do no harm: an embedder that knows only colours can follow
    "a blue car". But if it reads a whole list as the same few prompts, another list would help.
    """
    prompts = domain.readable(embedder).prompts
    told = [words for prompt in prompts if (words := frozenset(embedder.read_text(prompt).unknown))]
    if 2 * len(told) > len(prompts):
        return (_unread(len(told), len(prompts), "words", told),)
    nonsense = words_read_as_nonsense(embedder, prompts)
    named = filter(None, map(naming_words, prompts))  # a number by itself names no word
    unread = [words for words in named if words <= nonsense]
    if len(unread) > MOST_UNREAD * len(prompts):
        return (_unread(len(unread), len(prompts), "only words", unread),)
    if len(prompts) < LEAST_TOLD_APART * len(domain.prompts):
        text = f"the embedder tells only {len(prompts)} of {len(domain.prompts)} prompts apart"
        return (Oddity(text, "give a `domain` of your own in words it knows", deaf=False),)
    return ()


def _unread(num: int, num_prompts: int, what: str, words: Sequence[Collection[str]]) -> Oddity:
    usual = Counter(word for some in words for word in sorted(some)).most_common(3)
    shown = ", ".join(f"'{word}'" for word, _ in usual)
    return Oddity(
        f"{num} of {num_prompts} prompts hold {what} that the embedder has never seen, such as "
        f"{shown}",
        "give a `domain` in words it knows",
        deaf=True,
    )
