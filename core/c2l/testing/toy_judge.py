"""A judge of the toy world's pictures, for tests of evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from c2l.evaluation import Question
from c2l.testing.toys import IMAGE_SIZE


class ToyJudge:
    """Sees whether a picture is bright, and whether it is rather red than green."""

    def questions(self, num: int, seed: int) -> list[Question]:
        return [
            Question(f"shape{i % 4} colour{i % 5} and{i}", {"bright": i % 2, "red": i // 2 % 2})
            for i in range(seed, seed + num)
        ]

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        red, green, _ = images.mean((2, 3)).unbind(1)
        return {"bright": (images.mean((1, 2, 3)) > 0).long(), "red": (red > green).long()}

    def drawings(self, questions: Sequence[Question]) -> Tensor:
        images = torch.zeros(len(questions), 3, IMAGE_SIZE, IMAGE_SIZE)
        for image, question in zip(images, questions, strict=True):
            image += 0.5 if question.named["bright"] else -0.5
            image[0] += 0.1 if question.named["red"] else -0.1
        return images
