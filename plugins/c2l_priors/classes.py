"""Classes as a condition, beside the prompt's embedding.

Training often hides the class, so that a prompt alone can choose one. But a picture already shows
its class, so a network that is only told the same again learns to ignore what it is told. Some
samples are therefore told a class that the embedding does not show, for the same latent. Either the
mean of its class is replaced in the embedding by that of another, which teaches the network to take
the class from what it is told, and all else from the embedding. Or the embedding is that of another
picture, which teaches it to ignore what cannot be true.
"""

# Letters: B batch, C classes, E embedding width, N pairs.

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

HIDDEN, SWAPPED, STRANGE = 0.4, 0.2, 0.25
"""How often training hides the class, shows another one's mean, and shows another picture."""


class Teaching(Protocol):
    """A prior with a teacher; None where there are no classes."""

    teacher: ClassTeacher | None

    def without_labels(self, labelled: Tensor) -> tuple[Tensor, Tensor | None]: ...


class ClassTeacher(nn.Module):
    """What training shows of classes; nothing of it is needed to sample.

    Args:
        num_classes: C.
        embedding_width: E.
    """

    means: Tensor

    @classmethod
    def of(cls, num_classes: int, embedding_width: int) -> ClassTeacher | None:
        """None where there are no classes."""
        return cls(num_classes, embedding_width) if num_classes else None

    def __init__(self, num_classes: int, embedding_width: int) -> None:
        super().__init__()
        means = torch.zeros(num_classes, embedding_width)
        self.register_buffer("means", means, persistent=False)

    def fit(self, embeddings: Tensor, classes: Tensor) -> None:
        """Take the mean of the embeddings (N, E) of each class; one without any has that of all."""
        totals = torch.zeros_like(self.means).index_add_(0, classes, embeddings)
        counts = torch.bincount(classes, minlength=len(self.means))[:, None]
        means = torch.where(counts > 0, totals / counts.clamp_min(1), embeddings.mean(dim=0))
        self.means.copy_(means)

    def teach(
        self, embeddings: Tensor, classes: Tensor, rng: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Embeddings (B, E), some of which show another class, and classes (B,), some of them -1.

        Args:
            rng: all randomness comes from it (CPU).
        """
        dice = torch.rand(len(classes), generator=rng).to(classes.device)
        others = torch.randint(len(self.means), (len(classes),), generator=rng)
        means = self.means.to(embeddings.device)
        swapped = embeddings + means[others.to(embeddings.device)] - means[classes]
        shown = torch.where(dice[:, None] < 1 - SWAPPED, embeddings, swapped)
        strange = (dice >= HIDDEN) & (dice < HIDDEN + STRANGE)
        shown = torch.where(strange[:, None], embeddings.roll(1, dims=0), shown)
        return shown, classes.masked_fill(dice < HIDDEN, -1)


def fit_teacher(prior: Teaching, labelled: Tensor) -> Tensor:
    """Fit the teacher of a prior that has one, on embeddings as ``Prior.labelled`` gives them.

    Returns:
        the embeddings (N, E) alone.
    """
    embeddings, classes = prior.without_labels(labelled)
    if prior.teacher is not None and classes is not None:
        prior.teacher.fit(embeddings.cpu(), classes.cpu())
    return embeddings


def taught(prior: Teaching, labelled: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor | None]:
    """What a batch shows, (B, E), and the classes that it is told; None without classes."""
    embeddings, classes = prior.without_labels(labelled)
    if prior.teacher is None or classes is None:
        return embeddings, None
    return prior.teacher.teach(embeddings, classes, rng)


def as_tensor(classes: Sequence[int] | None, device: torch.device) -> Tensor | None:
    """The classes of samples, int64, (B,)."""
    return None if classes is None else torch.tensor(classes, device=device)
