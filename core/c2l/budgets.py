"""How many pictures are drawn at once: as many as fit into a number of pixels.

Memory grows with the pixels of a batch, so one number serves networks of every size.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """Pixels that may be drawn at once.

    Args:
        gpu, cpu: on each kind of device.
    """

    gpu: int
    cpu: int

    def pictures(self, image_size: tuple[int, int], device_type: str) -> int:
        """How many pictures of a height and width fit; never less than one."""
        height, width = image_size
        pixels = self.cpu if device_type == "cpu" else self.gpu
        return max(1, pixels // (height * width))


SAMPLING = Budget(gpu=2**22, cpu=2**22)
"""Pictures and their rivals: 4 of 1024 px, 64 of 256 px."""

FRAMES = Budget(gpu=2**22, cpu=2**19)
"""Frames of walks and videos, of which there may be thousands: few at once, so that memory stays
low. Larger batches are hardly faster on a CPU."""

OPTIMISING = Budget(gpu=2**20, cpu=2**20)
"""Each keeps what its gradient needs."""

# The last bits of a picture differ with the size of its batch. What is stored of pictures is the
# same from run to run, so these numbers are part of what it means and do not change.
EVALUATION = Budget(gpu=2**20, cpu=2**20)
VALIDATION = Budget(gpu=2**18, cpu=2**18)
PAIRS = Budget(gpu=2**22, cpu=2**18)
"""The default. On a CPU 16 pictures of 128 px, or one of 1024 px, which leaves memory for as many
workers as there are cores."""
