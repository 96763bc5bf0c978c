"""Checkpoints of the authors' code: which tensors and which settings are taken from them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import c2l
from c2l import Embedder, Generator, LatentSpace, PriorCard, Source
from c2l.errors import Assumed, BadInput, BadWeights
from c2l.prior_file import PartCard
from c2l_priors.diffusion import DiffusionPrior

DATA = Path(__file__).parents[2] / "data" / "c2l-prior"
TINY = DATA / "tiny" / "checkpoint.ckpt"
AVERAGE = "ema_diffusion_prior.ema_model."
SEEDS = [0, 1]


def load(path: Path) -> DiffusionPrior:
    prior = c2l.load_prior(f"diffusion:{path}")
    assert isinstance(prior, DiffusionPrior)
    return prior


def drawn(prior: DiffusionPrior) -> Tensor:
    embeddings = torch.randn(
        2, prior.config.embedding_width, generator=torch.Generator().manual_seed(7)
    )
    return prior.sample(embeddings, seeds=SEEDS)


@pytest.fixture
def state() -> dict[str, Tensor]:
    loaded: dict[str, Tensor] = torch.load(TINY, weights_only=True)["state_dict"]
    return {name: tensor for name, tensor in loaded.items() if name.startswith(AVERAGE)}


def write(path: Path, state: dict[str, Tensor], config: Any = None, **options: Any) -> Path:
    torch.save(
        {"state_dict": state, **({} if config is None else {"cfg": config})}, path, **options
    )
    return path


def settings(
    *, network: str = "{}", diffusion: str = "{image_embed_scale: 1.0}", data: str = "{}"
) -> str:
    """A yaml with the parts that a prior's settings must have."""
    return f"model: {{network: {network}, diffusion: {diffusion}}}\ndata: {data}"


def test_settings_come_from_the_yaml_of_the_same_stem_first(tmp_path: Path) -> None:
    checkpoint = Path(shutil.copy(TINY, tmp_path / "some.ckpt"))
    assert load(checkpoint).repeats is None  # nothing says it; one code feeds every layer
    beside = settings(data="{latent_repeats: [14], embed_noise_scale: 0.5}")
    (tmp_path / "config.yaml").write_text(beside)
    found = load(checkpoint)
    assert (found.repeats, found.config.noise) == ((14,), 0.5)
    assert found.remarks == ("it takes its settings from config.yaml",)
    (tmp_path / "some.yaml").write_text(settings(data="{latent_repeats: [18]}"))
    found = load(checkpoint)
    assert (found.repeats, found.config.noise) == ((18,), 1.0)
    assert found.remarks == ("it takes its settings from some.yaml",)


def test_settings_inside_come_before_those_beside(tmp_path: Path, state: dict[str, Tensor]) -> None:
    (tmp_path / "config.yaml").write_text(settings(data="{latent_repeats: [14]}"))
    model = {"network": {}, "diffusion": {"image_embed_scale": 1.0}}
    config = {"data": {"latent_repeats": [16]}, "model": model}
    assert load(write(tmp_path / "a.ckpt", state, config)).repeats == (16,)
    # What another tool left inside is no more a prior's settings than what it left beside.
    assert load(write(tmp_path / "a.ckpt", state, {"lr": 1e-4})).repeats == (14,)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("batch_size: 4\nname: another tool\n", "lacks model.network, model.diffusion, data"),
        ("model: {target: ldm.models.diffusion, params: {}}\ndata: {target: main}", "lacks model"),
        ("model: unet\ndata: {root: x}", "lacks model.network, model.diffusion"),
        ("model: {network: {}, diffusion: {}}", "lacks data"),
        ("services: &a [x]\nother: *a", "cannot be read"),
        ("- a list", "cannot be read"),
    ],
)
def test_a_yaml_of_another_tool_changes_nothing(tmp_path: Path, text: str, reason: str) -> None:
    expected = drawn(load(TINY))
    checkpoint = Path(shutil.copy(TINY, tmp_path / "a.ckpt"))
    (tmp_path / "config.yaml").write_text(text)
    with pytest.warns(Assumed, match=f"does not use config.yaml.*{reason}"):
        found = load(checkpoint)
    assert torch.equal(drawn(found), expected)
    if "read" not in reason:  # nor does one that only has the right name
        (tmp_path / "config.yaml").rename(tmp_path / "a.yaml")
        assert torch.equal(drawn(load(checkpoint)), expected)


def test_references_between_settings_are_followed(tmp_path: Path) -> None:
    checkpoint = Path(shutil.copy(TINY, tmp_path / "a.ckpt"))
    beside = tmp_path / "a.yaml"
    beside.write_text("layers: [12]\n" + settings(data="{latent_repeats: '${layers}'}"))
    assert load(checkpoint).repeats == (12,)
    circle = settings(data="{latent_repeats: '${a.b}'}")
    beside.write_text(f"{circle}\na: {{b: '${{data.latent_repeats}}'}}")
    with pytest.raises(BadWeights, match="refers to itself"):
        load(checkpoint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (settings(network="{dim: 512}"), r"dim is 512, not 16"),
        (settings(data="{n_latents: 3}"), r"n_latents is 3, not 1"),
        (settings(data="{latent_repeats: [4, 4, 10]}"), r"\[4, 4, 10\], but the prior has 1 codes"),
        (settings(data="{latent_repeats: many}"), "'many', not a list"),
        (settings(diffusion="{predict_x_start: false}"), "predicts noise"),
        (settings(diffusion="{cond_drop_prob: often}"), "'often', not a number"),
        ("- a list", "not a mapping"),
        ("a: [1", "cannot read the settings"),
        ("a: &a [x]\nb: [*a, *a]", "aliases"),
        ("[" * 5000, "nested too deeply"),
        ("- " * 5000, "cannot read the settings"),
        ("a: !!python/object/apply:os.system [exit]", "cannot read the settings"),
        (settings(data="{embed_noise_scale: -1}"), r"noise=-1 is below 0"),
        (settings(data="{embed_noise_scale: .inf}"), r"noise=inf is not a finite number"),
        (settings(diffusion="{cond_drop_prob: 1}"), r"drop=1 is not below 1"),
    ],
)
def test_a_yaml_that_does_not_fit(tmp_path: Path, text: str, message: str) -> None:
    checkpoint = Path(shutil.copy(TINY, tmp_path / "a.ckpt"))
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(BadWeights, match=message) as caught:
        load(checkpoint)
    assert "a.yaml" in caught.value.message or "a.ckpt" in caught.value.message
    assert "\n" not in caught.value.message


def test_without_settings_and_average(tmp_path: Path, state: dict[str, Tensor]) -> None:
    plain = {name.removeprefix(AVERAGE): tensor for name, tensor in state.items()}
    expected = drawn(load(TINY))
    trained = {f"diffusion_prior.{name}": tensor for name, tensor in plain.items()}
    assert torch.equal(drawn(load(write(tmp_path / "a.ckpt", trained))), expected)
    torch.save(plain, tmp_path / "b.ckpt")
    assert torch.equal(drawn(load(tmp_path / "b.ckpt")), expected)


@pytest.mark.parametrize("options", [{}, {"pickle_protocol": 4}, {"pickle_protocol": 5},
                                     {"_use_new_zipfile_serialization": False}])  # fmt: skip
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_types_and_protocols(
    tmp_path: Path, state: dict[str, Tensor], options: dict[str, Any], dtype: torch.dtype
) -> None:
    # Parameters too, and tensors that are views of a larger storage.
    parameters: dict[str, Tensor] = {
        name: torch.nn.Parameter(tensor.to(dtype)) if tensor.ndim == 2 else tensor
        for name, tensor in state.items()
    }
    name = f"{AVERAGE}net.causal_transformer.project_out.weight"
    parameters[name] = torch.cat([parameters[name].detach()] * 2)[16:].T.contiguous().T
    found = drawn(load(write(tmp_path / "a.ckpt", parameters, **options)))
    expected = {n: t.to(dtype).float() if t.ndim == 2 else t for n, t in state.items()}
    assert torch.equal(found, drawn(load(write(tmp_path / "b.ckpt", expected))))


def test_repeats_of_early_checkpoints(tmp_path: Path, state: dict[str, Tensor]) -> None:
    state[f"{AVERAGE}latent_repeats"] = torch.tensor([18])
    assert load(write(tmp_path / "a.ckpt", state)).repeats == (18,)


def test_statistics_may_be_missing(tmp_path: Path, state: dict[str, Tensor]) -> None:
    for name in ("latent_mean", "latent_std"):
        del state[AVERAGE + name]
    prior = load(write(tmp_path / "a.ckpt", state))
    assert (prior.scale.mean == 0).all()
    assert (prior.scale.std == 1).all()


def _without(state: dict[str, Tensor], name: str) -> None:
    del state[AVERAGE + name]


def _with(state: dict[str, Tensor], name: str, tensor: Tensor) -> None:
    state[AVERAGE + name] = tensor


TRUNK = "net.causal_transformer."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: _without(s, f"{TRUNK}layers.0.1.5.weight"), r"no net\..*1\.5\.weight"),
        (
            lambda s: _with(s, f"{TRUNK}layers.0.0.to_q.weight", torch.zeros(5, 16)),
            r"to_q.*\(5, 16",
        ),
        (lambda s: _with(s, f"{TRUNK}layers.7.0.null_kv", torch.zeros(2, 64)), r"no .*layers\.1"),
        (lambda s: _with(s, "net.to_text_embeds.0.weight", torch.zeros(2)), "also has.*to_text"),
        (lambda s: _with(s, f"{TRUNK}norm.beta", torch.ones(16)), "has a shift"),
        (lambda s: _with(s, "latent_mean", torch.zeros(7)), r"latent_mean has shape \(7,\)"),
        (lambda s: _with(s, "alphas_cumprod", torch.full((8,), torch.nan)), "not finite"),
        (lambda s: s.clear(), "not hold a clip2latent prior"),
    ],
)
def test_another_network(
    tmp_path: Path, state: dict[str, Tensor], change: Any, message: str
) -> None:
    change(state)
    with pytest.raises(BadWeights, match=message) as caught:
        load(write(tmp_path / "a.ckpt", state))
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("half", [False, True])
def test_saved_as_a_prior_of_our_own(tmp_path: Path, half: bool) -> None:
    prior = load(DATA / "w3" / "checkpoint.ckpt")
    assert prior.card is None
    part = PartCard("toy:part", "0" * 64)
    card = PriorCard("diffusion", prior.settings(), part, part, prior.repeats or ())
    expected, schedule = drawn(prior), prior.schedule.alphas_cumprod.clone()
    prior.save(tmp_path / "own.safetensors", card, half=half)
    again = c2l.load_prior(str(tmp_path / "own.safetensors"))
    assert isinstance(again, DiffusionPrior)
    assert again.repeats == (4, 4, 10)
    assert again.settings() == prior.settings()
    assert torch.equal(again.schedule.alphas_cumprod, schedule)
    tolerance = 0.02 if half else 0.0
    assert (drawn(again) - expected).abs().max() <= tolerance
    dtypes = {t.dtype for n, t in load_file(tmp_path / "own.safetensors").items() if "layers" in n}
    assert dtypes == {torch.float16 if half else torch.float32}


class Layers(Generator):
    """Eighteen layers of width 24; its pictures show how often each code was repeated."""

    asked: Sequence[int] | None = None

    @classmethod
    def load(cls, source: Source) -> Self:
        return cls()

    @property
    def latent_space(self) -> LatentSpace:
        return LatentSpace(1, 24, (18,), torch.zeros(1, 24), torch.ones(1, 24))

    @property
    def image_size(self) -> tuple[int, int]:
        return 4, 4

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return torch.zeros(len(seeds), 1, 24)

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        assert latents.shape[1:] == (3, 24)
        self.asked = repeats
        return (latents.mean(dim=(1, 2))[:, None, None, None] - 1).expand(-1, 3, 4, 4)


class Letters(Embedder):
    """Prompts and pictures as vectors of width 24."""

    @classmethod
    def load(cls, source: Source) -> Self:
        return cls()

    @property
    def width(self) -> int:
        return 24

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        return torch.stack([torch.full((24,), float(len(prompt))) for prompt in prompts])

    def embed_images(self, images: Tensor) -> Tensor:
        return images.flatten(1)[:, :24]


def test_pipeline(tmp_path: Path) -> None:
    checkpoint = DATA / "w3" / "checkpoint.ckpt"
    generator = Layers()
    pipe = c2l.load_pipeline(
        generator=generator, embedder=Letters(), prior=f"diffusion:{checkpoint}"
    )
    result = pipe("a face", num_images=2, steps=4)
    assert result.images.shape == (2, 3, 4, 4)
    with pytest.raises(BadInput, match="does not say"):
        c2l.load_pipeline(prior=f"diffusion:{checkpoint}")
