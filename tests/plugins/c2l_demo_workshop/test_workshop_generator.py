"""How the demo's generators are made: the mapping in closed form, and one step of training."""

import math

import pytest

torch = pytest.importorskip("torch")

from c2l_demo.worlds import WORLDS  # noqa: E402
from c2l_demo_workshop import generator, mapping  # noqa: E402
from c2l_demo_workshop.codes import code_width  # noqa: E402


@pytest.mark.parametrize("name", WORLDS)
def test_mapping_turns_noise_into_scene_codes_with_the_worlds_frequencies(name, tmp_path):
    world = WORLDS[name]
    network = generator.fresh(name, tmp_path)
    z = torch.randn(10_000, mapping.Z_DIM, generator=torch.Generator().manual_seed(1))
    codes = network.map(z)[:, 0] / mapping.CODE_SCALE

    assert codes.shape == (10_000, code_width(world))
    start = 0
    for attribute in world.attributes:
        part = codes[:, start : start + len(attribute.values)]
        start += len(attribute.values)
        hard = torch.nn.functional.one_hot(part.argmax(dim=1), part.shape[1])
        is_code = (part - hard).abs().amax(dim=1) < 2e-3
        assert is_code.float().mean() > 0.99, attribute.name
        assert part.mean(dim=0) == pytest.approx(attribute.weights, abs=0.02), attribute.name
    nuisances = codes[:, start:].sort(dim=0).values
    uniform = torch.linspace(0, 1, len(nuisances))[:, None]
    assert (nuisances - uniform).abs().max() < 0.03
    assert network.mapping.w_avg.numpy() == pytest.approx(network.map(z)[:, 0].mean(0), abs=0.04)


def test_marginal_is_that_of_noise_scaled_to_unit_rms():
    z = torch.randn(200_000, 8, generator=torch.Generator().manual_seed(2))
    x = z[:, 0] / z.square().mean(dim=1).sqrt()
    for p in (0.02, 0.2, 0.5, 0.9):
        (threshold,) = mapping.Marginal(8).quantile([p])
        assert (x < threshold).float().mean().item() == pytest.approx(p, abs=0.005)


def test_rate_warms_up_stays_and_falls():
    assert generator.rate(0.0, 0) < 0.05
    assert generator.rate(0.2, 1000) == 1.0
    assert generator.rate(1.0, 1000) == pytest.approx(0.01)


def test_training_lowers_the_loss(tmp_path):
    network = generator.fresh("landscapes", tmp_path)
    network.synthesis.requires_grad_(True)
    optimisers = generator.Optimisers.of(network.synthesis)
    codes = torch.eye(network.mapping.w_avg.numel())[:4]
    ramp = torch.linspace(-1, 1, 128).expand(4, 3, 128, 128)
    weight = torch.ones(1, 1, 128, 128)
    losses = []
    for _ in range(12):
        loss = generator.loss_of(generator.draw(network, codes, 8), ramp, weight)
        loss.backward()
        optimisers.step(1.0)
        losses.append(loss.item())
    assert all(map(math.isfinite, losses))
    assert losses[-1] < 0.6 * losses[0]
