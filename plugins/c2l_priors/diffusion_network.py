"""The causal transformer that predicts a clean latent from a noisy one.

It is DALL-E 2's prior (Ramesh et al. 2022, arXiv 2204.06125) as clip2latent uses it. Its tokens are

    embedding, time, K noisy codes, K learned queries

and the answers are read from the queries. Tokens see the null key, themselves and what comes before
them. The embedding is hidden from everybody where a sample is to be unconditional; nothing stands
in for it.

Because of the causal order the first two tokens, the *context*, do not depend on the noisy codes.
They are computed once for all samples that share a prompt and a time. The embedding's token does
not even depend on the time: its keys and values can be kept as ``Memory`` from step to step.
"""

# Letters: B samples, C contexts, K codes, D latent width, E embedding width, W network width,
# H heads, A width of one head, R rows (all tokens of a call, flat), T timesteps.

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from c2l_priors.diffusion_linear import RowsLinear

NUM_BUCKETS = 32
MAX_DISTANCE = 128
LARGEST_ROTATED = 32
"""At most so many features of a head are turned by position (Su et al. 2021, arXiv 2104.09864)."""

Memory = list[Tensor]
"""For each layer the key and value of the embedding's tokens, shape (C, 1, 2 A)."""


class PriorNetwork(nn.Module):
    """Noisy codes, time and embedding to clean codes.

    Args:
        embedding_width, num_codes, latent_width: E, K and D.
        width: W. Where E or D is another, a linear layer leads in.
        depth: number of layers.
        heads, head_width: H and A; all heads of a layer share one key and value.
        expansion: how much wider than W a layer is inside.
        num_timesteps: T.
    """

    frequencies: Tensor

    def __init__(
        self,
        *,
        embedding_width: int,
        num_codes: int,
        latent_width: int,
        width: int,
        depth: int,
        heads: int,
        head_width: int,
        expansion: int,
        num_timesteps: int,
    ) -> None:
        super().__init__()
        self.num_codes = num_codes
        self.heads = heads
        self.embedding = _widen(embedding_width, width)
        self.latent = _widen(latent_width, width)
        self.time = nn.Embedding(num_timesteps, width, _weight=_smooth_table(num_timesteps, width))
        self.query = nn.Parameter(torch.randn(num_codes, width))
        self.position_bias = nn.Parameter(0.02 * torch.randn(NUM_BUCKETS, heads))
        self.layers = nn.ModuleList(
            Layer(width, heads, head_width, expansion) for _ in range(depth)
        )
        self.norm = Norm(width)
        self.leave = RowsLinear(width, latent_width)
        nn.init.zeros_(self.leave.weight)
        rotated = min(LARGEST_ROTATED, head_width) // 2 * 2
        exponents = torch.arange(0, rotated, 2) / max(rotated, 1)
        self.register_buffer("frequencies", 10000.0**-exponents)

    def forward(
        self,
        x: Tensor,
        times: Tensor,
        embeddings: Tensor,
        keep: Tensor,
        samples: Tensor | None = None,
        memory: Memory | None = None,
    ) -> tuple[Tensor, Memory]:
        """Predict the clean codes of B samples in C contexts.

        Args:
            x: noisy standardised codes, shape (B, K, D).
            times: of the contexts, int64, shape (C,).
            embeddings: of the contexts, shape (C, E).
            keep: whether a context shows its embedding, bool, shape (C,).
            samples: which context each sample has, int64, shape (B,); None: B = C, in order.
            memory: what an earlier call with the same embeddings and ``keep`` returned.
        Returns:
            the prediction, float32, shape (B, K, D), and the memory.
        """
        dtype = self.query.dtype
        num, num_codes = x.shape[:2]
        contexts = self.time(times)[:, None]
        if memory is None:
            first = self.embedding(embeddings.to(dtype))[:, None]
            contexts = torch.cat([first, contexts], dim=1)
        queries = self.query.expand(num, -1, -1)
        own = torch.cat([self.latent(x.to(dtype)), queries], dim=1)
        tokens = self._plan(contexts.shape[1], keep, samples, num, num_codes)

        rows = torch.cat([contexts.flatten(0, 1), own.flatten(0, 1)])
        kept: Memory = []
        last = len(self.layers) - 1
        for index, layer in enumerate(self.layers):
            remembered = None if memory is None else memory[index]
            rows, embedding_kv = layer(rows, tokens, remembered, answers_only=index == last)
            kept.append(embedding_kv)
        answers = self.leave(self.norm(rows)).float()
        return answers.unflatten(0, (num, num_codes)), kept

    def _plan(
        self, num_shared: int, keep: Tensor, samples: Tensor | None, num: int, num_codes: int
    ) -> Tokens:
        length = 2 + 2 * num_codes
        bias = self._bias(length)
        # Row 0 hides the embedding, which is key 1, after the null key; row 1 shows it.
        hidden = bias.new_zeros(2, 1, bias.shape[1])
        hidden[0, :, 1] = -math.inf
        shown = keep.long()
        by_sample = shown if samples is None else shown[samples]
        own = (bias[2 * self.heads :] + hidden)[by_sample]
        shared = (bias[(2 - num_shared) * self.heads : 2 * self.heads, :3] + hidden[..., :3])[shown]

        positions = torch.arange(length, device=keep.device)
        rows = torch.cat(
            [positions[2 - num_shared : 2].repeat(len(keep)), positions[2:].repeat(num)]
        )
        angles = (rows[:, None] * self.frequencies.float())[:, None, :, None]
        sines = angles.sin()
        return Tokens(
            num_contexts=len(keep),
            num_shared=num_shared,
            num_samples=num,
            samples=samples,
            shared_bias=shared,
            own_bias=own,
            cosines=angles.cos().to(bias.dtype),
            sines=torch.cat([-sines, sines], dim=-1).to(bias.dtype),
        )

    def _bias(self, length: int) -> Tensor:
        """What is added to the logits: (length * H, 1 + length), -inf where a token may not look.

        The distance is counted to the place of a key in the list that begins with the null key, so
        a token's own key and the one before it share bucket 0. The weights are trained that way.
        """
        device = self.query.device
        query = torch.arange(length, device=device)[:, None]
        key = torch.arange(1 + length, device=device)
        values = self.position_bias[_buckets((query - key).clamp_min(0))]
        future = (key - 1 > query)[:, :, None]
        return values.masked_fill(future, -math.inf).transpose(1, 2).flatten(0, 1)


@dataclass(frozen=True)
class Tokens:
    """Where in the flat rows of a call which tokens lie: contexts first, then the samples' own."""

    num_contexts: int
    num_shared: int
    num_samples: int
    samples: Tensor | None
    shared_bias: Tensor
    own_bias: Tensor
    cosines: Tensor
    sines: Tensor


class Layer(nn.Module):
    """Attention and a gated linear unit, each added to its input."""

    def __init__(self, width: int, heads: int, head_width: int, expansion: int) -> None:
        super().__init__()
        self.heads = heads
        self.head_width = head_width
        self.attention_norm = Norm(width)
        self.null = nn.Parameter(torch.randn(2 * head_width))
        self.attend = RowsLinear(width, (heads + 2) * head_width)
        self.merge = RowsLinear(heads * head_width, width)
        self.merge_norm = Norm(width)
        self.unit_norm = Norm(width)
        self.widen = RowsLinear(width, 2 * expansion * width)
        self.narrow = RowsLinear(expansion * width, width)

    def forward(
        self, rows: Tensor, tokens: Tokens, memory: Tensor | None, answers_only: bool
    ) -> tuple[Tensor, Tensor]:
        """Rows (R, W) to rows (R, W), and the keys and values of the embedding's tokens.

        Args:
            answers_only: return the rows of the queries alone, (B * K, W), for the last layer.
        """
        num_heads, head = self.heads, self.head_width
        heads = self.attend(self.attention_norm(rows)).unflatten(1, (num_heads + 2, head))
        _rotate(heads[:, :-1], tokens)  # queries and key, but not the value
        border = tokens.num_contexts * tokens.num_shared
        shared = heads[:border].unflatten(0, (tokens.num_contexts, tokens.num_shared))
        own = heads[border:].unflatten(0, (tokens.num_samples, -1))

        context_kv = shared[:, :, num_heads:].flatten(2)
        if memory is not None:
            context_kv = torch.cat([memory, context_kv], dim=1)
        seen = context_kv if tokens.samples is None else context_kv[tokens.samples]
        own_kv = torch.cat([self._null(seen), seen, own[:, :, num_heads:].flatten(2)], dim=1)
        own_bias = tokens.own_bias
        if answers_only:
            half = own.shape[1] // 2
            own, own_bias = own[:, half:], own_bias[:, half * num_heads :]
            rows = rows[border:].view(tokens.num_samples, -1, rows.shape[1])[:, half:].flatten(0, 1)
            found = self._look(own, own_kv, own_bias)
        else:
            shared_kv = torch.cat([self._null(context_kv), context_kv], dim=1)
            found = torch.cat(
                [
                    self._look(shared, shared_kv, tokens.shared_bias),
                    self._look(own, own_kv, own_bias),
                ]
            )
        rows = rows + self.merge_norm(self.merge(found))
        value, gate = self.widen(self.unit_norm(rows)).chunk(2, dim=1)
        return rows + self.narrow(value * F.silu(gate)), context_kv[:, :1]

    def _null(self, kv: Tensor) -> Tensor:
        return self.null.to(kv.dtype).expand(len(kv), 1, -1)

    def _look(self, heads: Tensor, kv: Tensor, bias: Tensor) -> Tensor:
        """Attend from the queries in ``heads`` (N, L, H + 2, A) to ``kv`` (N, J, 2 A).

        ``bias`` is (N, L * H, J); the outcome (N * L, H * A).
        """
        keys, values = kv.chunk(2, dim=2)
        queries = heads[:, :, : self.heads].flatten(1, 2)
        logits = torch.baddbmm(
            bias.to(queries.dtype), queries, keys.transpose(1, 2), alpha=self.head_width**-0.5
        )
        found = torch.bmm(logits.softmax(dim=2).to(values.dtype), values)
        return found.view(-1, self.heads * self.head_width)


class Norm(nn.Module):
    """Layer normalisation with a learned scale and no shift."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.scale.shape, self.scale)


def _rotate(heads: Tensor, tokens: Tokens) -> None:
    """Turn pairs of neighbouring features of ``heads`` (R, H + 1, A) by position, in place."""
    rotated = 2 * tokens.cosines.shape[2]
    pairs = heads[..., :rotated].view(*heads.shape[:2], -1, 2)
    turned = pairs.flip(-1) * tokens.sines.to(pairs.dtype)
    pairs.mul_(tokens.cosines.to(pairs.dtype)).add_(turned)


def _buckets(distances: Tensor) -> Tensor:
    """T5's buckets (Raffel et al. 2020, arXiv 1910.10683): exact when near, then logarithmic."""
    exact = NUM_BUCKETS // 2
    growth = torch.log(distances.clamp_min(1) / exact) / math.log(MAX_DISTANCE / exact)
    far = exact + (growth * (NUM_BUCKETS - exact)).long()
    return torch.where(distances < exact, distances, far.clamp_max(NUM_BUCKETS - 1))


def _widen(from_width: int, to_width: int) -> nn.Module:
    """What brings vectors to the network's width: nothing, where they have it already."""
    return nn.Identity() if from_width == to_width else nn.Linear(from_width, to_width)


def _smooth_table(num_timesteps: int, width: int) -> Tensor:
    """A first table of times in which neighbours are alike, of unit variance, (T, width).

    Every row is trained by its own timestep alone, one sample in T; from random rows it would
    take long until they agree.
    """
    turns = torch.logspace(-0.6, 1.7, (width + 1) // 2)  # over all timesteps: from 1/4 to 50
    angles = torch.linspace(0, 1, num_timesteps)[:, None] * (2 * math.pi * turns)
    return math.sqrt(2) * torch.cat([angles.cos(), angles.sin()], dim=1)[:, :width]
