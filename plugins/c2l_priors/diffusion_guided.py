"""Classifier-free guidance of the diffusion prior, in one call of its network for a whole batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from c2l_priors.diffusion_network import Contexts, Memory, PriorNetwork

AHEAD = 10
"""For so many calls of the network the first one computes what they need of prompts and times."""


class Guided:
    """Predictions of a whole batch at one time, with guidance, in one call of the network.

    Samples that share a prompt share what depends on prompt and time alone; all of them share it in
    the unconditional half.

    Args:
        embeddings: (B, E), as the network sees them.
        guidance: its strength; 1 is none.
        against: (B, E), what guidance moves away from; None for no prompt.
    """

    def __init__(
        self, network: PriorNetwork, embeddings: Tensor, guidance: float, against: Tensor | None
    ) -> None:
        self.network = network
        self.guidance = guidance
        device = next(network.parameters()).device
        halves = [(embeddings, True)] if guidance != 0 else []
        if guidance != 1:
            # A hidden embedding makes no difference, whatever it is.
            halves.append(
                (torch.zeros_like(embeddings), False) if against is None else (against, True)
            )
        contexts: list[Tensor] = []
        kept: list[Tensor] = []
        samples: list[Tensor] = []
        for rows, seen in halves:
            distinct, which = torch.unique(rows.cpu(), dim=0, return_inverse=True)
            samples.append(which + sum(map(len, contexts)))
            contexts.append(distinct)
            kept.append(torch.full((len(distinct),), seen))
        self.embeddings = torch.cat(contexts).to(device)
        self.keep = torch.cat(kept).to(device)
        self.samples = torch.cat(samples).to(device)
        self.memory: Memory | None = None

    def __call__(self, x: Tensor, times: Sequence[int]) -> Tensor:
        num = len(self.samples) // len(x)
        given = self.memory or self._contexts(times[:AHEAD])
        out: Tensor
        out, self.memory = self.network(x.repeat(num, 1, 1), given)
        if num == 2:
            with_prompt, without = out.chunk(2)
            out = torch.lerp(without, with_prompt, self.guidance)
        return out

    def _contexts(self, times: Sequence[int]) -> Contexts:
        row = torch.tensor(times, device=self.samples.device)
        each = row.expand(len(self.keep), -1)
        return Contexts(each, self.embeddings, self.keep, self.samples)
