"""The laws of generators on a tiny autoencoder that diffusers wrote, and what is special here."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import c2l
from c2l.errors import BadWeights
from c2l.testing import assert_conforms
from c2l_vae.generator import CONFIG, WEIGHTS, VAEDecoder

TINY = Path(__file__).parent / "data" / "tiny"


@pytest.fixture(scope="module")
def tiny() -> c2l.Generator:
    return c2l.load_generator(f"vae:{TINY}")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(TINY, tmp_path / "own"))


def change_config(folder: Path, **changes: Any) -> None:
    raw = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    (folder / CONFIG).write_text(json.dumps({**raw, **changes}), encoding="utf-8")


def test_it_keeps_the_laws_of_generators() -> None:
    assert_conforms(f"vae:{TINY}")


def test_describing_the_plugin_does_not_import_torch() -> None:
    code = "import c2l_vae, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_draws_what_diffusers_draws(tiny: c2l.Generator) -> None:
    golden = load_file(TINY / "golden.safetensors")
    codes = golden["z"].flatten(2).mT  # (B, D, h, w) to a code for each place, row by row
    images = tiny.synthesize(codes)
    torch.testing.assert_close(images, golden["images"], atol=1e-4, rtol=1e-4)


def test_a_code_is_a_place(tiny: c2l.Generator) -> None:
    latents = tiny.sample_latents([0])
    other = latents.clone()
    other[0, 63] += 1  # the last place: the bottom right corner
    far, near = (tiny.synthesize(other) - tiny.synthesize(latents))[0].abs().chunk(2, dim=1)
    assert near[..., -8:].mean() > 3 * far[..., :8].mean()


def test_a_bare_folder_is_recognised(tiny: c2l.Generator, tmp_path: Path) -> None:
    assert c2l.load_generator(str(TINY)).reference == tiny.reference
    assert not VAEDecoder.recognises(tmp_path)


def test_names_and_shapes_of_old_files(tiny: c2l.Generator, own: Path) -> None:
    former = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    tensors = {}
    for name, tensor in load_file(own / WEIGHTS).items():
        for now, then in former.items():
            if ".attentions.0." + now in name:
                name = name.replace(now, then)
                tensor = tensor[..., None, None] if tensor.ndim == 2 else tensor
        tensors[name] = tensor.contiguous()
    save_file(tensors, own / WEIGHTS)
    assert c2l.load_generator(f"vae:{own}").fingerprint() == tiny.fingerprint()


def test_half_precision_is_read_as_float32(tiny: c2l.Generator, own: Path) -> None:
    save_file({n: t.half() for n, t in load_file(own / WEIGHTS).items()}, own / WEIGHTS)
    generator = c2l.load_generator(f"vae:{own}")
    z = tiny.sample_latents([1])
    torch.testing.assert_close(generator.synthesize(z), tiny.synthesize(z), atol=0.05, rtol=0.05)


def test_another_scale_is_another_generator(tiny: c2l.Generator, own: Path) -> None:
    change_config(own, scaling_factor=0.25)
    assert c2l.load_generator(f"vae:{own}").fingerprint() != tiny.fingerprint()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"_class_name": "AutoencoderTiny"}, "AutoencoderTiny"),
        ({"act_fn": "relu"}, "act_fn"),
        ({"shift_factor": 0.1}, "shift_factor"),
        ({"up_block_types": ["AttnUpDecoderBlock2D"] * 3}, "AttnUpDecoderBlock2D"),
        ({"sample_size": 30}, "sample_size"),
        ({"latent_channels": "many"}, "many"),
        ({"block_out_channels": [4, 8]}, WEIGHTS),
        ({"norm_num_groups": 0}, "below 1"),
    ],
)
def test_what_is_not_known_is_refused(own: Path, changes: dict[str, Any], said: str) -> None:
    change_config(own, **changes)
    with pytest.raises(BadWeights, match=said) as caught:
        c2l.load_generator(f"vae:{own}")
    assert caught.value.hint


def test_damaged_folders_are_refused(own: Path) -> None:
    (own / WEIGHTS).write_bytes((own / WEIGHTS).read_bytes()[:-100])
    with pytest.raises(BadWeights, match=WEIGHTS):
        c2l.load_generator(f"vae:{own}")
    (own / WEIGHTS).unlink()
    with pytest.raises(BadWeights, match=WEIGHTS):
        c2l.load_generator(f"vae:{own}")
    for text in ("{", "[]", "{}"):
        (own / CONFIG).write_text(text, encoding="utf-8")
        with pytest.raises(BadWeights, match=CONFIG):
            c2l.load_generator(f"vae:{own}")
