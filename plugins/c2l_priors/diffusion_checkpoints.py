"""The checkpoints of the paper's authors, as settings and tensors of our prior.

They hold two copies of everything, the trained weights and their running average; we sample with
the average. Sizes are read from the tensors; what tensors cannot tell comes from the settings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from c2l.errors import BadWeights
from c2l.reading import StoredTensor, TorchFile, read_beginning
from c2l_priors.diffusion_config import Config, find_config
from c2l_priors.diffusion_network import NUM_BUCKETS
from c2l_priors.diffusion_schedule import NoiseSchedule

PREFIXES = ("ema_diffusion_prior.ema_model.", "diffusion_prior.", "")
"""Where a prior's tensors may lie in a checkpoint, the average first."""

_TRUNK = "net.causal_transformer."
_LAYER = re.compile(re.escape(_TRUNK) + r"layers\.(\d{1,4})\.")
_CONFIG_KEYS = ("cfg", "config", "hyper_parameters")
_MOST_TIMESTEPS = 100_000
_MOST_CODES = 1000
_HINT = "Only priors of clip2latent's own code can be read"


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds.

    Args:
        settings: the arguments of ``DiffusionPrior``.
        tensors: its state dict.
        repeats: how many layers each of the K codes feeds, if that is known.
        remarks: where its settings come from, one line each, whose subject is the checkpoint.
    """

    settings: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    repeats: tuple[int, ...] | None
    remarks: tuple[str, ...] = ()


def recognises(path: Path) -> bool:
    """Whether ``path`` is a checkpoint of such a prior; looks at the names in it alone."""
    return b"net.learned_query" in read_beginning(path)


def is_checkpoint(path: Path) -> bool:
    """Whether ``path`` is to be read here: it does not begin as a safetensors file does."""
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError:
        return False
    return start[8:9] != b"{"


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint of the authors' code, in either format of ``torch.save``.

    Settings come from inside it, else from ``STEM.yaml`` beside it, else from a ``config.yaml``
    that is a prior's; without any, they are assumed to be the authors'.

    Raises:
        BadWeights: it is cut off, holds another network, contains executable content, or does not
            fit its settings.
    """
    with TorchFile(path) as file:
        root = file.root if isinstance(file.root, dict) else {}
        state = root.get("state_dict", root)
        weights = _Weights(file, state if isinstance(state, dict) else {})
        inside = next((root[key] for key in _CONFIG_KEYS if root.get(key) is not None), None)
        config, remarks = find_config(path, inside)
        settings = _settings(weights, config)
        repeats = _repeats(weights, config, settings["num_codes"])
        return Checkpoint(settings, _tensors(weights, config, settings), repeats, remarks)


class _Weights:
    """The tensors of one copy of the prior, seen before they are read."""

    def __init__(self, file: TorchFile, state: dict[Any, Any]) -> None:
        self.file = file
        named = {name: value for name, value in state.items() if isinstance(name, str)}
        for prefix in PREFIXES:
            if f"{prefix}net.learned_query" in named:
                break
        else:
            some = ", ".join(name[:60] for name in list(named)[:2]) or "nothing with a name"
            raise BadWeights(
                f"{file.path} does not hold a clip2latent prior: it has {some}, "
                f"but no {PREFIXES[0]}net.learned_query",
                hint=_HINT,
            )
        self.stored: dict[str, StoredTensor] = {}
        for name, value in named.items():
            if name.startswith(prefix):
                tensor = file.tensor(value)
                if tensor is not None:
                    self.stored[name.removeprefix(prefix)] = tensor
        self.unused = {name for name in self.stored if name.startswith("net.")}

    def shape(self, name: str) -> tuple[int, ...]:
        if name not in self.stored:
            raise self.foreign(f"it has no {name}")
        return self.stored[name].shape

    def read(self, name: str, *shape: int) -> Tensor:
        """A tensor of exactly this shape, float32."""
        if self.shape(name) != shape:
            raise self.foreign(f"{name} has shape {self.shape(name)}, not {shape}")
        self.unused.discard(name)
        return self.file.read(self.stored[name]).float()

    def foreign(self, reason: str) -> BadWeights:
        return BadWeights(f"{self.file.path} cannot be read as a prior: {reason}", hint=_HINT)


def _settings(weights: _Weights, config: Config) -> dict[str, Any]:
    num_timesteps, width = _two(weights, "net.to_time_embeds.0.weight")
    _, heads = _two(weights, f"{_TRUNK}rel_pos_bias.relative_attention_bias.weight")
    first = f"{_TRUNK}layers.0."
    _, head_width = _two(weights, f"{first}0.null_kv")
    _, inside = _two(weights, f"{first}1.5.weight")
    query = weights.shape("net.learned_query")
    num_codes = 1 if len(query) == 1 else query[0]
    if inside % width or head_width < 2 or not num_codes or num_timesteps > _MOST_TIMESTEPS:
        raise weights.foreign(
            f"a layer of width {inside}, heads of width {head_width} or {num_timesteps} timesteps "
            "are not supported"
        )
    depth = 1 + max(int(m[1]) for name in weights.stored if (m := _LAYER.match(name)))
    for name, value in (
        ("model.network.dim", width),
        ("model.network.num_timesteps", num_timesteps),
        ("model.network.depth", depth),
        ("model.network.heads", heads),
        ("model.network.dim_head", head_width),
        ("model.diffusion.image_embed_dim", width),
        ("model.diffusion.timesteps", num_timesteps),
        ("data.n_latents", num_codes),
    ):
        told = config.number(name, value)
        if told != value:
            raise BadWeights(
                f"{config.origin} belongs to another checkpoint: {name} is {told}, not {value}",
                hint=f"Put the yaml of {weights.file.path.name} beside it, with the same name",
            )
    diffusion = "model.diffusion."
    if not config.flag(f"{diffusion}predict_x_start", True):
        raise weights.foreign("it predicts noise, not latents")
    for option in ("sampling_clamp_l2norm", "init_image_embed_l2norm"):
        if config.flag(diffusion + option, False):
            raise weights.foreign(f"it samples with {option}")
    return {
        "embedding_width": width,
        "num_codes": num_codes,
        "latent_width": width,
        "width": width,
        "depth": depth,
        "heads": heads,
        "head_width": head_width,
        "expansion": inside // width,
        "num_timesteps": num_timesteps,
        "embedding_scale": config.number(f"{diffusion}text_embed_scale", 1.0),
        "noise": config.number("data.embed_noise_scale", 1.0),
        "drop": config.number(f"{diffusion}cond_drop_prob", 0.2),
    }


def _two(weights: _Weights, name: str) -> tuple[int, int]:
    """The shape of a matrix."""
    shape = weights.shape(name)
    if len(shape) != 2 or not all(shape):
        raise weights.foreign(f"{name} has shape {shape}")
    return shape[0], shape[1]


def _repeats(weights: _Weights, config: Config, num_codes: int) -> tuple[int, ...] | None:
    repeats = config.numbers("data.latent_repeats")
    origin = config.origin
    if repeats is None:
        stored = weights.stored.get("latent_repeats")  # only in checkpoints of early 2022
        if stored is None or stored.dtype != torch.int64 or len(stored.shape) != 1:
            return None
        if stored.shape[0] > _MOST_CODES:
            raise weights.foreign(f"it has {stored.shape[0]} latent_repeats")
        repeats = tuple(weights.file.read(stored).tolist())
        origin = str(weights.file.path)
    if len(repeats) != num_codes or min(repeats) < 1:
        raise BadWeights(
            f"latent_repeats in {origin} is {list(repeats)[:20]}, but the prior has "
            f"{num_codes} codes",
            hint="Put the yaml that was published with the checkpoint beside it",
        )
    return repeats


def _tensors(weights: _Weights, config: Config, settings: Mapping[str, Any]) -> dict[str, Tensor]:
    width, depth, heads = settings["width"], settings["depth"], settings["heads"]
    head, inside = settings["head_width"], settings["expansion"] * settings["width"]
    num_codes, num_timesteps = settings["num_codes"], settings["num_timesteps"]

    query = weights.shape("net.learned_query")
    rotation = f"{_TRUNK}layers.0.0.rotary_emb.freqs"
    tensors = {
        "network.query": weights.read("net.learned_query", *query).view(num_codes, -1),
        "network.time.weight": weights.read("net.to_time_embeds.0.weight", num_timesteps, width),
        "network.position_bias": weights.read(
            f"{_TRUNK}rel_pos_bias.relative_attention_bias.weight", NUM_BUCKETS, heads
        ),
        "network.norm.scale": _norm(weights, f"{_TRUNK}norm", width),
        "network.leave.weight": weights.read(f"{_TRUNK}project_out.weight", width, width),
        "network.frequencies": weights.read(rotation, min(32, head) // 2),
    }
    for index in range(depth):
        theirs, ours = f"{_TRUNK}layers.{index}.", f"network.layers.{index}."
        query_weight = weights.read(f"{theirs}0.to_q.weight", heads * head, width)
        key_weight = weights.read(f"{theirs}0.to_kv.weight", 2 * head, width)
        tensors |= {
            f"{ours}attention_norm.scale": _norm(weights, f"{theirs}0.norm", width),
            f"{ours}null": weights.read(f"{theirs}0.null_kv", 2, head).flatten(),
            f"{ours}attend.weight": torch.cat([query_weight, key_weight]),
            f"{ours}merge.weight": weights.read(f"{theirs}0.to_out.0.weight", width, heads * head),
            f"{ours}merge_norm.scale": _norm(weights, f"{theirs}0.to_out.1", width),
            f"{ours}unit_norm.scale": _norm(weights, f"{theirs}1.0", width),
            f"{ours}widen.weight": weights.read(f"{theirs}1.1.weight", 2 * inside, width),
            f"{ours}narrow.weight": weights.read(f"{theirs}1.5.weight", width, inside),
        }
        weights.unused.discard(f"{theirs}0.rotary_emb.freqs")  # the same in every layer
    if weights.unused:
        raise weights.foreign(f"it also has {min(weights.unused)[:80]}")
    return tensors | _statistics(weights, config, settings) | _schedule(weights, num_timesteps)


def _norm(weights: _Weights, name: str, width: int) -> Tensor:
    if f"{name}.beta" in weights.stored and weights.read(f"{name}.beta", width).any():
        raise weights.foreign(f"{name} has a shift, which its kind of normalisation does not have")
    return weights.read(f"{name}.gamma", width)


def _statistics(
    weights: _Weights, config: Config, settings: Mapping[str, Any]
) -> dict[str, Tensor]:
    """Mean and deviation, as stored; none are stored where latents were not standardised."""
    shape = (settings["num_codes"], settings["latent_width"])
    mean, std = torch.zeros(shape), torch.ones(shape)
    if "latent_mean" in weights.stored:
        stored = weights.shape("latent_mean")
        if stored not in {shape, shape[1:] if shape[0] == 1 else shape}:
            raise weights.foreign(f"latent_mean has shape {stored}, not {shape}")
        mean = weights.read("latent_mean", *stored).view(shape)
        std = weights.read("latent_std", *stored).view(shape)
    # Their latents are scaled once more; a config that is there but silent means the square root.
    silent = settings["latent_width"] ** 0.5 if config.values else 1.0
    factor = config.number("model.diffusion.image_embed_scale", silent)
    if factor <= 0:
        raise weights.foreign(f"its image_embed_scale is {factor}")
    return {"scale.mean": mean, "scale.std": std if factor == 1 else std / factor}


def _schedule(weights: _Weights, num_timesteps: int) -> dict[str, Tensor]:
    """The tables as stored: an average of them has drifted from the formula."""
    formula = NoiseSchedule(num_timesteps).state_dict()
    theirs = {
        "alphas_cumprod": "alphas_cumprod",
        "log_variance": "posterior_log_variance_clipped",
    }
    tables = {}
    for ours, name in theirs.items():
        table = weights.read(name, num_timesteps) if name in weights.stored else formula[ours]
        if not torch.isfinite(table).all():
            raise weights.foreign(f"{name} is not finite")
        tables[f"schedule.{ours}"] = table
    return tables
