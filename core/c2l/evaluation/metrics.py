"""What is scored: how each score is called, written and explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from c2l.evaluation.estimates import Difference, Estimate


@dataclass(frozen=True)
class Metric:
    """How a score is written.

    Args:
        title: in tables.
        higher: whether higher is better; None where neither is.
        percent: whether it is shown as a percentage.
        digits: after the decimal point.
        meaning: one sentence for the reader of a report.
    """

    title: str
    higher: bool | None
    percent: bool = False
    digits: int = 3
    meaning: str = ""

    def named(self, num: int) -> str:
        """The title, where each prompt has ``num`` pictures."""
        return self.title.replace("best of N", f"best of {num}")

    def text(self, estimate: Estimate) -> str:
        """``98.3 ± 0.7``."""
        return self._text(estimate.value, estimate.error, "")

    def difference_text(self, difference: Difference) -> str:
        """``+1.9 ± 0.4``."""
        return self._text(difference.value, difference.error, "+")

    def _text(self, value: float, error: float | None, sign: str) -> str:
        factor = 100 if self.percent else 1
        text = f"{factor * value:{sign}.{self.digits}f}"
        return text if error is None else f"{text} ± {factor * error:.{self.digits}f}"


METRICS: dict[str, Metric] = {
    "accuracy": Metric("named attributes, %", True, True, 1,
        "Share of the attributes named in a prompt that the judge sees in a picture."),
    "accuracy/best": Metric("… best of N, %", True, True, 1,
        "The same for the picture that the recipe's own embedder chose among N."),
    "all": Metric("all of them, %", True, True, 1,
        "Share of pictures that show every attribute named in their prompt."),
    "all/best": Metric("… best of N, %", True, True, 1, "The same for the chosen picture."),
    "alignment/own": Metric("alignment, own", True, meaning=
        "Cosine of picture and prompt by the embedder that the prior was trained with."),
    "alignment/own/best": Metric("… best of N", True, meaning=
        "The same for the picture that this embedder chose among N, which flatters the score."),
    "alignment/independent": Metric("alignment, independent", True, meaning=
        "Cosine of picture and prompt by an embedder that had no part in drawing."),
    "alignment/independent/best": Metric("… best of N", True, meaning=
        "The same for the picture that the recipe's own embedder chose."),
    "diversity/own": Metric("diversity, own", True, meaning=
        "Mean of 1 - cosine over all pairs of one prompt's pictures."),
    "diversity/independent": Metric("diversity, independent", True, meaning=
        "The same by the independent embedder."),
    "diversity/latents": Metric("diversity of latents", True, meaning=
        "Mean distance over all pairs of one prompt's latents, in standard deviations; "
        "about 1.4 for random ones."),
    "cmmd/own": Metric("CMMD, own", False, meaning=
        "Distance of all pictures from the generator's own distribution; 0 means none."),
    "cmmd/independent": Metric("CMMD, independent", False, meaning=
        "The same by the independent embedder."),
    "density/own": Metric("density, own", None, meaning=
        "How typical the pictures are of the generator's own; 1 means as typical as those."),
    "density/independent": Metric("density, independent", None, meaning=
        "The same by the independent embedder."),
    "coverage/own": Metric("coverage, own", True, meaning=
        "Share of the generator's own pictures that have a picture of a prompt near them."),
    "coverage/independent": Metric("coverage, independent", True, meaning=
        "The same by the independent embedder."),
    "fid": Metric("FID", False, digits=2, meaning=
        "Fréchet distance of Inception features; biased: it falls as pictures are added."),
    "kid": Metric("KID x 1000", False, digits=2, meaning=
        "Kernel distance of Inception features; unbiased."),
}  # fmt: skip


def in_order(scores: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """Scores in the order of ``METRICS``."""
    return {name: scores[name] for name in METRICS if name in scores}
