"""The scores of a training run in a sentence, and whether they are normal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from c2l.bridge.clouds import least_named
from c2l.training.choosing import Choice
from c2l.training.oddities import Oddity

PROMPTS = 0.5
IMAGES = 0.25
FITTING = 0.75

RETRIEVAL = (
    "; it answers with stored latents, whose pictures fit better than what the network has learnt "
    "to draw"
)
BETTER_LATENTS = "; latents nearer to the picture are learnt better, as a StyleGAN's w instead of z"


def verdict(
    scores: Mapping[str, float],
    *,
    more_steps: bool,
    usual_steps: int | None = None,
    oddities: Sequence[Oddity] = (),
    choice: Choice | None = None,
) -> str:
    """One sentence.

    A prior is normal if its pictures gain, over random ones, at least half of what the nearest
    training pictures gain, and if its reconstructions of held-out pictures come at least a quarter
    of the way from any other picture to the same one. If it reconstructs pictures but does not draw
    what prompts ask for, although the pairs contain it, it needs another bridge rather than more
    pairs, unless several were tried. Some bridges turn a text into pictures from the pairs, so a
    network that draws those shows as much as they do: at least three quarters as many must fit. If
    fewer do, although it reconstructs pictures, it cannot learn which latents belong to an
    embedding; five times as many pairs changed nothing (``benchmarks/held_out.md``).

    Args:
        scores: of a ``TrainingReport``.
        more_steps: whether more could help: not if training ended because it stopped improving.
        usual_steps: how many suit the pairs, if far fewer were asked for.
        oddities: of pairs and prompts; they are the likeliest cause.
        choice: of the bridge; None if it was given.
    """
    if "prompts_cosine" not in scores:
        return "not judged, for lack of a generator and an embedder"
    reached, random, near = (
        scores[f"prompts_cosine{end}"] for end in ("", "_random", "_neighbours")
    )
    facts = [
        f"cosine with prompts {reached:.2f}, random pictures {random:.2f}, "
        f"nearest neighbours {near:.2f}"
    ]
    doubts = []
    behind = False
    if near - random < least_named(scores.get("held_out_cosine_random", 0.0)):
        doubts.append("the embedder hardly tells these pictures apart")
    elif not reached - random >= PROMPTS * (near - random):  # so that NaN is no gain
        doubts.append("the cosine with prompts should be higher")
        behind = reached < near
    fits = _fitting(choice)
    unlearnt = fits is not None and fits[0] < FITTING * fits[1]
    if fits is not None and unlearnt:
        doubts.append(
            f"{fits[0]:.0%} of its pictures fit their prompts, where {fits[1]:.0%} of the nearest "
            "training pictures do"
        )
    draws_again = False
    if "held_out_cosine" in scores:
        same, other = scores["held_out_cosine"], scores["held_out_cosine_random"]
        facts.append(f"held-out reconstruction {same:.2f}, any two pictures {other:.2f}")
        draws_again = same - other >= IMAGES * (1 - other)
        if not draws_again:
            doubts.append("held-out reconstruction should be better")
    deaf = [oddity for oddity in oddities if oddity.deaf]
    if deaf:
        causes = "; ".join(f"{oddity.text}: {oddity.cure}" for oddity in deaf)
        return f"{'; '.join(facts)}: these say little, since {causes}"
    few = f", though {usual_steps:,} steps are usual for this many pairs" if usual_steps else ""
    retrieval = choice is not None and choice.settings.get("retrieval")
    if retrieval and not oddities:
        few += RETRIEVAL if usual_steps else RETRIEVAL + BETTER_LATENTS
    if not doubts:
        but = "".join(f"; but {oddity.text}: {oddity.cure}" for oddity in oddities)
        return f"{'; '.join(facts)}: normal{few}{but}"
    cure = "more `steps` or more pairs help" if more_steps else "more pairs help"
    if oddities:
        cure = "; ".join(f"{oddity.text}: {oddity.cure}" for oddity in oddities)
    elif unlearnt and draws_again:
        cure = "`prior=neighbours` draws those from the same pairs, if less varied" + BETTER_LATENTS
    elif behind and draws_again and choice is None:
        # It has learnt to draw, and the same pairs hold what prompts ask for.
        cure = (
            "the bridge from text to pictures is at fault, and more pairs do not help: let "
            "training choose it, as `flow` does, and give a `domain` of your own prompts"
        )
    return f"{'; '.join(facts)}: low, {' and '.join(doubts)}; {cure}{few}"


def _fitting(choice: Choice | None) -> tuple[float, float] | None:
    """The shares of pictures that fit their prompts: of what was taken, and of the nearest training
    pictures. None if nothing was tried."""
    if choice is None or choice.taken is None or choice.neighbours is None:
        return None
    return 1 - choice.taken.unfit, 1 - choice.neighbours
