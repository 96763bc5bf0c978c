"""What a training run reached, in words, and whether that is normal."""

from __future__ import annotations

from collections.abc import Mapping

PROMPTS = 0.5
IMAGES = 0.25


def verdict(
    scores: Mapping[str, float], *, more_steps: bool, usual_steps: int | None = None
) -> str:
    """One sentence.

    Normal is a prior whose pictures of prompts gain at least half of what the nearest stored ones
    gain over random ones, and whose answers to a picture have come at least a quarter of the way
    from any other picture to the same one.

    Args:
        scores: of a ``TrainingReport``.
        more_steps: whether more could help: not where training ended because it gained no more.
        usual_steps: how many suit the pairs, where far fewer were asked for.
    """
    if "prompts_cosine" not in scores:
        return "not judged, for lack of a generator and an embedder"
    reached, random, near = (
        scores[f"prompts_cosine{end}"] for end in ("", "_random", "_neighbours")
    )
    facts = [
        f"prompts reach {reached:.2f}, random pictures {random:.2f}, nearest neighbours {near:.2f}"
    ]
    doubts = []
    if near - random < 0.02:
        doubts.append("the embedder hardly tells these pictures apart")
    elif not reached - random >= PROMPTS * (near - random):  # so that NaN is no gain
        doubts.append("prompts should reach more")
    if "held_out_cosine" in scores:
        same, other = scores["held_out_cosine"], scores["held_out_cosine_random"]
        facts.append(f"held-out reconstruction {same:.2f}, any two pictures {other:.2f}")
        if not same - other >= IMAGES * (1 - other):
            doubts.append("held-out pictures should be reconstructed better")
    few = f", though {usual_steps:,} steps are usual for so many pairs" if usual_steps else ""
    if not doubts:
        return f"{'; '.join(facts)}: normal{few}"
    advice = "more `steps` or more pairs help" if more_steps else "more pairs help"
    return f"{'; '.join(facts)}: low, {' and '.join(doubts)}; {advice}{few}"
