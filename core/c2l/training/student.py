"""Training the student, and measuring how well it ranks."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from c2l.adam import AdamW
from c2l.student import Student
from c2l.training.batches import Batches, rng_of

STEPS = 1500
BATCH_SIZE = 256
LEARNING_RATE = 2e-3
NUM_QUERIES = 64


def train_student(
    embeddings: Tensor, latents: Tensor, *, seed: int, device: torch.device
) -> Student:
    """Train a student; the result depends on the pairs and the seed alone.

    Args:
        embeddings: of images, float32, (N, E), not normalised.
        latents: float32, (N, K, D).
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (1,), generator=rng_of(seed, "student", 0))))
        student = Student(
            num_codes=latents.shape[1],
            latent_width=latents.shape[2],
            embedding_width=embeddings.shape[1],
        )
    student.fit_scale(latents)
    student.to(device)
    steps = max(100, min(STEPS, len(latents) // 8))
    optimiser = AdamW(student.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    batches = Batches(len(latents), BATCH_SIZE, seed)
    for step in range(steps):
        rows = batches.rows(step)
        wanted = normalize(embeddings[rows].to(device), dim=1)
        loss = 1 - (student(latents[rows].to(device)) * wanted).sum(dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return student.eval().requires_grad_(False)


@torch.no_grad()
def student_scores(
    student: Student, embeddings: Tensor, latents: Tensor, asked: Tensor | None
) -> dict[str, float]:
    """How well a student predicts the embeddings of held-out pictures.

    Args:
        embeddings, latents: of those pictures, (N, E) and (N, K, D).
        asked: embeddings (M, E) to rank the pictures by; None takes the first of ``embeddings``.
    Returns:
        ``student_cosine``, of predicted and true embeddings, and ``student_rank_correlation``:
        Spearman's, over the pictures, of their cosines with each asked embedding; the mean of
        those.
    """
    true = normalize(embeddings, dim=1)
    guessed = student(latents.to(student.mean.device)).cpu()
    asked = true[:NUM_QUERIES] if asked is None else normalize(asked[:NUM_QUERIES].cpu(), dim=1)
    return {
        "student_cosine": float((true * guessed).sum(dim=1).mean()),
        "student_rank_correlation": float(
            cosine_similarity(_ranks(asked @ true.T), _ranks(asked @ guessed.T), dim=1).mean()
        ),
    }


def _ranks(values: Tensor) -> Tensor:
    """The rank of each entry in its row, centred on zero."""
    ranks = values.argsort(dim=1).argsort(dim=1).float()
    return ranks - ranks.mean(dim=1, keepdim=True)
