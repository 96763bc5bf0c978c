"""The causal transformer that predicts a clean latent from a noisy one.

It is DALL-E 2's prior (Ramesh et al. 2022, arXiv 2204.06125) as clip2latent uses it. Its tokens are

    embedding, time, K noisy codes, K learned queries

and the answers are read from the queries. Tokens see the null key, themselves and what comes before
them. The embedding is hidden from everybody where a sample is to be unconditional; nothing stands
in for it.

Because of the causal order the first two tokens, the *context*, do not depend on the noisy codes.
They are computed once for all samples that share a prompt and a time, and for several times to come
at once: those calls find the keys and values of their contexts in a ``Memory``.
"""

# Letters: B samples, C prompts, S times, K codes, D latent width, E embedding width, T timesteps,
# W network width, H heads, A width of one head, R rows (all tokens of a call, flat), N groups of L
# tokens that look at the same J keys, F pairs of features that are turned.

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


@dataclass(frozen=True)
class Contexts:
    """What samples may depend on besides themselves.

    Args:
        times: the time of the next call and of those after it, int64, shape (C, S).
        embeddings: shape (C, E).
        keep: whether the samples see the embedding, bool, shape (C,).
        samples: which of the C each sample has, int64, shape (B,); None: B = C, in order.
    """

    times: Tensor
    embeddings: Tensor
    keep: Tensor
    samples: Tensor | None = None


@dataclass(frozen=True)
class Memory:
    """What a call leaves for the calls at the next times, with the same contexts and B."""

    samples: Tensor
    own: Plan
    seen: list[Tensor]
    """For each layer the keys and values of null, embedding and time, shape (C, S, 3, 2 A)."""

    def later(self) -> Memory | None:
        """Without the first time; None where that was the last."""
        if self.seen[0].shape[1] == 1:
            return None
        return Memory(self.samples, self.own, [kv[:, 1:] for kv in self.seen])


@dataclass(frozen=True)
class Plan:
    """What tokens have in common over the layers."""

    bias: Tensor
    """Added to the logits, shape (N, J, queries); -inf where a token may not look."""
    phases: Tensor
    """By which to turn queries and keys, complex, shape (tokens, 1, F)."""


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
        self.query = nn.Parameter(torch.empty(num_codes, width))
        self.position_bias = nn.Parameter(torch.empty(NUM_BUCKETS, heads))
        nn.init.normal_(self.query)
        nn.init.normal_(self.position_bias, std=0.02)
        self.layers = nn.ModuleList(
            Layer(width, heads, head_width, expansion) for _ in range(depth)
        )
        self.norm = Norm(width)
        self.leave = RowsLinear(width, latent_width)
        nn.init.zeros_(self.leave.weight)
        rotated = min(LARGEST_ROTATED, head_width) // 2 * 2
        exponents = torch.arange(0, rotated, 2, device="cpu") / max(rotated, 1)
        self.register_buffer("frequencies", 10000.0**-exponents)

    def forward(self, x: Tensor, given: Contexts | Memory) -> tuple[Tensor, Memory | None]:
        """Predict the clean codes of B samples.

        Args:
            x: noisy standardised codes, shape (B, K, D).
            given: contexts; or, at their second time, what the call at the first returned, and
                so on.
        Returns:
            the prediction, float32, shape (B, K, D), and what to give at the next time, if any.
        """
        dtype = self.query.dtype
        num, num_codes = x.shape[:2]
        queries = self.query.expand(num, -1, -1)
        rows = torch.cat([self.latent(x.to(dtype)), queries], dim=1).flatten(0, 1)
        context: Plan | None = None
        if isinstance(given, Contexts):
            first = self.embedding(given.embeddings.to(dtype))[:, None]
            rows = torch.cat([torch.cat([first, self.time(given.times)], 1).flatten(0, 1), rows])
            context, memory = self._plan(given)
        else:
            memory = given
        seen: list[Tensor] = []
        last = len(self.layers) - 1
        for index, layer in enumerate(self.layers):
            source = context or memory.seen[index]
            rows, kv = layer(rows, memory.samples, memory.own, source, answers_only=index == last)
            seen.append(kv)
        answers = self.leave(self.norm(rows)).float()
        memory = Memory(memory.samples, memory.own, seen)
        return answers.unflatten(0, (num, num_codes)), memory.later()

    def _plan(self, given: Contexts) -> tuple[Plan, Memory]:
        """For the tokens of the contexts, and for the samples' own, with nothing in memory yet."""
        num, num_times = given.times.shape
        bias = self._bias()
        length = bias.shape[1]
        device = bias.device
        embedding = torch.arange(len(bias), device=device) == 1  # key 0 is the null key
        hides = ~given.keep[:, None] & embedding
        samples = torch.arange(num, device=device) if given.samples is None else given.samples
        own = bias[:, 2:].flatten(1).masked_fill(hides[samples][:, :, None], -math.inf)

        # The tokens of a context see null, embedding and themselves: 3 keys. (The third of the
        # embedding's is itself again and in its future.)
        which = (torch.arange(1 + num_times, device=device) > 0).long()
        shared = bias[:3, which].transpose(0, 1)
        shared = shared.masked_fill(hides[:, None, :3, None], -math.inf).flatten(0, 1)

        angles = torch.arange(length, device=device)[:, None] * self.frequencies.float()
        phases = torch.polar(torch.ones_like(angles), angles)[:, None]
        return Plan(shared, phases[which]), Memory(samples, Plan(own, phases[2:]), [])

    def _bias(self) -> Tensor:
        """What is added to the logits: (1 + length, length, H), -inf where a token may not look.

        The distance is counted to the place of a key in the list that begins with the null key, so
        a token's own key and the one before it share bucket 0. The weights are trained that way.
        """
        length, device = 2 + 2 * self.num_codes, self.query.device
        key = torch.arange(1 + length, device=device)[:, None]
        query = torch.arange(length, device=device)
        values = self.position_bias[_buckets((query - key).clamp_min(0))]
        return values.masked_fill((key - 1 > query)[:, :, None], -math.inf)


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
        self,
        rows: Tensor,
        samples: Tensor,
        own_plan: Plan,
        source: Plan | Tensor,
        answers_only: bool,
    ) -> tuple[Tensor, Tensor]:
        """Rows (R, W) to rows (R, W), and the keys and values that contexts show to their samples.

        Args:
            rows: those of the contexts, if ``source`` is their plan, and the samples' own.
            samples: which context each sample has, (B,).
            source: those keys and values from an earlier call, (C, S, 3, 2 A), or how to find them.
            answers_only: return the rows of the queries alone, (B * K, W), for the last layer.
        """
        num, num_heads = len(samples), self.heads
        border = len(rows) - num * len(own_plan.phases)
        heads = self.attend(self.attention_norm(rows)).unflatten(1, (num_heads + 2, -1))
        own, own_bias = heads[border:].unflatten(0, (num, -1)), own_plan.bias
        _rotate(own, own_plan.phases)
        found: list[Tensor] = []
        if isinstance(source, Plan):
            shared = heads[:border].unflatten(0, (-1, len(source.phases)))
            _rotate(shared, source.phases)
            kv = shared[:, :, num_heads:].flatten(2)
            seen = torch.stack(
                [self.null.to(kv.dtype).expand_as(kv), kv[:, :1].expand_as(kv), kv], 2
            )
            if not answers_only:
                found = [_look(shared.flatten(0, 1)[:, None], seen.flatten(0, 1), source.bias)]
            seen = seen[:, 1:]
        else:
            seen = source
        own_kv = torch.cat([seen[samples, 0], own[:, :, num_heads:].flatten(2)], dim=1)
        if answers_only:
            half = own.shape[1] // 2
            own, own_bias = own[:, half:], own_bias[:, :, half * num_heads :]
            rows = rows[border:].unflatten(0, (num, -1))[:, half:].flatten(0, 1)
        found.append(_look(own, own_kv, own_bias))
        rows = rows + self.merge_norm(self.merge(torch.cat(found)))
        value, gate = self.widen(self.unit_norm(rows)).chunk(2, dim=1)
        return rows + self.narrow(value * F.silu(gate)), seen


class Norm(nn.Module):
    """Layer normalisation with a learned scale and no shift."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.scale.shape, self.scale)


def _look(heads: Tensor, kv: Tensor, bias: Tensor) -> Tensor:
    """Attend from the queries in ``heads`` (N, L, H + 2, A) to ``kv`` (N, J, 2 A).

    ``bias`` is (N, J, L * H); the outcome (N * L, H * A). The keys lie in the middle because a
    softmax of so few is several times as slow over the last dimension.
    """
    keys, values = kv.chunk(2, dim=2)
    queries = heads[:, :, :-2].flatten(1, 2)
    scale = queries.shape[2] ** -0.5
    logits = torch.baddbmm(bias.to(queries.dtype), keys, queries.transpose(1, 2), alpha=scale)
    weights = logits.softmax(dim=1).to(values.dtype)
    return torch.bmm(weights.transpose(1, 2), values).view(heads.shape[0] * heads.shape[1], -1)


def _rotate(heads: Tensor, phases: Tensor) -> None:
    """Turn pairs of neighbouring features of ``heads`` (N, L, H + 2, A) in place.

    Queries and key are turned, the value at the end is not.
    """
    pairs = heads[:, :, :-1, : 2 * phases.shape[2]].unflatten(3, (-1, 2))
    turned = torch.view_as_complex(pairs.float().contiguous()) * phases
    pairs.copy_(torch.view_as_real(turned))


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
    if torch.get_default_device().type == "meta":  # whose arithmetic imports torch's compiler
        return torch.empty(num_timesteps, width)
    turns = torch.logspace(-0.6, 1.7, (width + 1) // 2)  # over all timesteps: from 1/4 to 50
    angles = torch.linspace(0, 1, num_timesteps)[:, None] * (2 * math.pi * turns)
    return math.sqrt(2) * torch.cat([angles.cos(), angles.sin()], dim=1)[:, :width]
