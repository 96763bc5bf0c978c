"""The paper's prior against what the authors' code computes from the same files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

import c2l
from c2l_priors.diffusion import DiffusionPrior, turned
from c2l_priors.diffusion_network import Contexts
from c2l_priors.diffusion_samplers import SamplerName

DATA = Path(__file__).parents[2] / "data" / "c2l-prior"
CHECKPOINTS = {
    "tiny/checkpoint.ckpt": "tiny/golden.safetensors",
    "tiny/checkpoint-cfg-dict.ckpt": "tiny/golden.safetensors",
    "tiny/checkpoint-cfg-omegaconf.ckpt": "tiny/golden.safetensors",
    "tiny/checkpoint-legacy-format.ckpt": "tiny/golden.safetensors",
    "small/checkpoint-released-like.ckpt": "small/golden-released-like.safetensors",
}
# Float32 sums in another order: what two correct implementations differ by, with room to spare.
ONE_CALL, LATENTS = 1e-5, 1e-5


def load(name: str) -> DiffusionPrior:
    prior = c2l.load_prior(f"diffusion:{DATA / name}")
    assert isinstance(prior, DiffusionPrior)
    return prior


def close(ours: Tensor, theirs: Tensor, tolerance: float) -> None:
    assert (ours.view_as(theirs) - theirs).abs().max() < tolerance


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_network(name: str) -> None:
    prior, golden = load(name), load_file(DATA / CHECKPOINTS[name])
    embeddings, x_t = golden["embed"], golden["net.x_t"][:, None]
    shown = torch.ones(len(x_t), dtype=torch.bool)
    cases = {
        key.split(".")[1]: int(key.split(".")[1][1:])
        for key in golden
        if key.startswith("net.t") and key.endswith(".cond")
    }
    assert len(cases) >= 3
    for case, time in cases.items():
        times = torch.full((len(x_t),), time)
        close(prior.denoise(x_t, times, embeddings, shown), golden[f"net.{case}.cond"], ONE_CALL)
        close(prior.denoise(x_t, times, embeddings, ~shown), golden[f"net.{case}.uncond"], ONE_CALL)
    times = golden["net.mixed.t"]
    conditional = prior.denoise(x_t, times, embeddings, shown)
    unconditional = prior.denoise(x_t, times, embeddings, ~shown)
    close(conditional, golden["net.mixed.cond"], ONE_CALL)
    guided = torch.lerp(unconditional, conditional, 3.0)
    close(guided, golden["net.mixed.cfg3"], 2 * ONE_CALL)
    # One row may show its embedding where another does not.
    mixed = torch.tensor([True, False] * (len(x_t) // 2))
    expected = torch.where(mixed[:, None, None], conditional, unconditional)
    close(prior.denoise(x_t, times, embeddings, mixed), expected, ONE_CALL)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_skip_sampler(name: str) -> None:
    prior, golden = load(name), load_file(DATA / CHECKPOINTS[name])
    cases = [key for key in golden if key.endswith(".latents") and not key.startswith("skip1.")]
    assert len(cases) == 8
    for key in cases:
        skip, guidance, truncation = key.removesuffix(".latents").split(".", 2)
        latents = prior.sample_from_noise(
            golden["embed"],
            [golden[f"{skip}.x_T"], *golden[f"{skip}.noise"]],
            sampler="skip",
            steps=prior.config.num_timesteps // int(skip[4:]),
            guidance=float(guidance[3:]),
            truncation=float(truncation[5:]),
        )
        assert latents.shape == golden[key].shape
        close(latents, golden[key], LATENTS)


@pytest.mark.parametrize("sampler", ["skip", "ddpm"])
def test_every_timestep(sampler: SamplerName) -> None:
    prior, golden = load("tiny/checkpoint.ckpt"), load_file(DATA / "tiny" / "golden.safetensors")
    noise = [golden["skip1.x_T"], *golden["skip1.noise"]]
    latents = prior.sample_from_noise(
        golden["embed"][:1], noise, sampler=sampler, steps=8, guidance=2.0
    )
    close(latents, golden["skip1.cfg2.trunc1.latents"], LATENTS)


@pytest.mark.parametrize(
    ("name", "repeats"), [("w3", (4, 4, 10)), ("w18", (1,) * 18)], ids=["w3", "w18"]
)
def test_several_codes(name: str, repeats: tuple[int, ...]) -> None:
    prior, golden = load(f"{name}/checkpoint.ckpt"), load_file(DATA / name / "golden.safetensors")
    assert prior.repeats == repeats
    embeddings, x_t = golden["embed"], golden["x_t"]
    for key in golden:
        case = key.split(".")[0]
        if key.endswith("cond"):
            keep = torch.full((len(x_t),), key.endswith(".cond"))
            times = torch.full((len(x_t),), int(case[1:]))
            close(prior.denoise(x_t, times, embeddings, keep), golden[key], ONE_CALL)
        if key.endswith(".latents"):
            latents = prior.sample_from_noise(
                embeddings,
                golden[f"{case}.noise"],
                sampler="skip",
                steps=prior.config.num_timesteps // int(case[4:]),
                guidance=2.0,
                truncation=0.8,
            )
            close(latents, golden[key], LATENTS)


def test_training(tmp_path: Path) -> None:
    """The loss and its gradients, with the trained weights instead of their average."""
    golden = load_file(DATA / "tiny" / "golden.safetensors")
    saved = torch.load(DATA / "tiny" / "checkpoint.ckpt", weights_only=True)
    trained = {k: v for k, v in saved["state_dict"].items() if k.startswith("diffusion_prior.")}
    torch.save({"state_dict": trained}, tmp_path / "trained.ckpt")
    prior = c2l.load_prior(f"diffusion:{tmp_path / 'trained.ckpt'}")
    assert isinstance(prior, DiffusionPrior)
    prior.requires_grad_(True)

    clean, times = golden["train.x0"][:, None], golden["train.t"]
    x_t = prior.schedule.diffuse(clean, times, golden["train.noise"][:, None])
    close(x_t, golden["train.q_sample"], ONE_CALL)
    contexts = Contexts(times[:, None], golden["train.embed"], golden["train.keep"])
    predicted, _ = prior.network(x_t, contexts)
    loss = F.mse_loss(predicted, clean)
    loss.backward()
    close(loss, golden["train.loss_online"].squeeze(), ONE_CALL)
    network = prior.network
    for parameter, name in (
        (network.layers[0].null, "null_kv0"),
        (network.leave.weight, "project_out"),
        (network.position_bias, "rel_pos"),
    ):
        theirs = golden[f"train.grad_online.{name}"]
        assert isinstance(parameter, Tensor)
        assert parameter.grad is not None
        close(parameter.grad, theirs, 1e-5 * float(theirs.abs().max()) + 1e-6)


@pytest.mark.parametrize("scale", [0.75, 1.0])
def test_noise_on_embeddings(scale: float) -> None:
    golden = load_file(DATA / "tiny" / "golden.safetensors")
    name = f"train.add_noise{scale:g}"
    close(
        turned(golden["train.embed"], golden[f"{name}.noise"], scale), golden[f"{name}.out"], 1e-6
    )
