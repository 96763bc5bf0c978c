"""``c2l sample "a hairy man" --recipe faces`` as a new user types it, with files of true structure.

The catalogue's cards are the shipped ones. A ``sitecustomize`` on the path of the processes makes
the world small: it sends the cards' addresses to loopback, gives them the checksums of the
stand-ins, and shrinks the architecture that open_clip knows by the name ViT-B-32-quickgelu.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from bad_server import BadServer, bad_server
from nvidia_writer import Persistent, dump, record
from PIL import Image
from safetensors.torch import save

from c2l_stylegan.generator import StyleGAN
from c2l_stylegan.networks.settings import MappingSettings, StyleGAN2Settings

PRIOR = Path(__file__).parents[2] / "data" / "c2l-prior" / "small" / "checkpoint-released-like.ckpt"
WIDTH = 64
CLIP = {
    "embed_dim": WIDTH,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 224, "layers": 2, "width": 64, "patch_size": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
SMALLER = """
import json, os, tomllib

told = json.loads(os.environ["STANDINS"])
loads, load = tomllib.loads, json.load

def loads_smaller(text):
    raw = loads(text)
    for card in raw.get("model", []):
        for part in (card, *card.get("companions", [])):
            part.update(told["cards"].get(part.get("reference", part.get("name")), {}))
    return raw

def load_smaller(file, **options):
    if os.path.basename(getattr(file, "name", "")) == "ViT-B-32-quickgelu.json":
        return told["clip"]
    return load(file, **options)

tomllib.loads, json.load = loads_smaller, load_smaller
"""


def generator_pickle(path: Path) -> bytes:
    """A StyleGAN2 of 1024 px and few channels, as NVIDIA's training pickles its three networks."""
    settings = StyleGAN2Settings(
        z_dim=WIDTH,
        c_dim=0,
        w_dim=WIDTH,
        img_resolution=1024,
        img_channels=3,
        mapping=MappingSettings(num_layers=8),
        channel_base=2048,
        channel_max=8,
    )
    networks = {
        name: record(StyleGAN.initialised(settings, seed=seed))
        for seed, name in enumerate(("G", "G_ema"))
    }
    state = {
        "_parameters": {"w": torch.nn.Parameter(torch.ones(9))},
        "_buffers": {},
        "_modules": {},
    }
    order = {"G": networks["G"], "D": Persistent("Discriminator", state)}
    whole = {"training_set_kwargs": {"resolution": 1024}, **order, "G_ema": networks["G_ema"]}
    return dump(path, {**whole, "augment_pipe": None}).read_bytes()


def clip_weights() -> bytes:
    """What the Hub holds for OpenAI's ViT-B/32: open_clip's state dict, in float16."""
    import open_clip

    torch.manual_seed(0)
    state = open_clip.CLIP(**json.loads(json.dumps(CLIP))).state_dict()
    return save({name: tensor.half().contiguous() for name, tensor in state.items()})


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def server() -> Iterator[BadServer]:
    with bad_server() as running:
        yield running


@pytest.fixture
def environment(tmp_path: Path, server: BadServer) -> dict[str, str]:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SMALLER)
    pickled = generator_pickle(tmp_path / "g.pkl")
    checkpoint, settings = PRIOR.read_bytes(), PRIOR.with_suffix(".yaml").read_bytes()
    # NVIDIA's old address answers with a message where the file was.
    message = b'{"requestStatus": {"statusCode": "SUCCESS"}}'
    moved = server.add("/old/g.pkl", message, kind="application/json")
    whole = server.add("/files?path=g.pkl", pickled, cuts=[9_000_000, 4_000_000])
    hub = "/lambdalabs/clip2latent/resolve/main/ffhq-sg2-510"
    server.add(f"{hub}.ckpt", checkpoint)
    server.add(f"{hub}.yaml", settings)
    clip = "/timm/vit_base_patch32_clip_224.openai/resolve/main/open_clip_model.safetensors"
    server.add(clip, clip_weights())
    told: dict[str, Any] = {
        "clip": CLIP,
        "cards": {
            "stylegan:ffhq-1024": {"urls": [moved, whole]},
            "diffusion:ffhq-sg2-510": {"size": len(checkpoint), "sha256": sha256(checkpoint)},
            "ffhq-sg2-510.yaml": {"size": len(settings)},
        },
    }
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(site), *sys.path]),
        "STANDINS": json.dumps(told),
        "HF_ENDPOINT": server.base,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
    }


def sample(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "c2l", "sample", "a hairy man", "--recipe", "faces", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=540,
    )


@pytest.mark.timeout(1800)  # three processes: half a minute of work, much more on a busy machine
def test_faces_from_an_empty_cache_and_again_offline(
    environment: dict[str, str], server: BadServer, tmp_path: Path
) -> None:
    wanted = ("--seeds", "85", "--json", "--out")
    refused = sample(environment, *wanted, str(tmp_path / "none"))
    assert refused.returncode == 10 and not refused.stdout
    assert "stylegan:ffhq-1024 is under NVIDIA Source Code License for StyleGAN3" in refused.stderr
    assert "--accept-licence" in refused.stderr.splitlines()[-1]
    assert not any(file.asked for file in server.files.values())

    first = sample(environment, *wanted, str(tmp_path / "one"), "--accept-licence")
    assert first.returncode == 0, first.stderr
    assert "(no commercial use)" in first.stderr and "licence: MIT" in first.stderr
    asked = server["/files?path=g.pkl"].asked
    assert asked == ["", "bytes=9000000-", "bytes=13000000-"]
    drawn = json.loads(first.stdout)
    assert drawn["generator"] == "stylegan:ffhq-1024" and drawn["recipe"] == "faces"
    picture = Image.open(drawn["path"]).convert("RGB")
    assert picture.size == (1024, 1024)
    assert any(low < high for low, high in picture.getextrema())
    weights = tmp_path / "c2l-home" / "weights" / "stylegan" / "ffhq-1024"
    assert (weights / "g.safetensors").is_file()

    requests = {name: len(file.asked) for name, file in server.files.items()}
    offline = {**environment, "C2L_OFFLINE": "1"}
    again = sample(offline, *wanted, str(tmp_path / "two"))
    assert again.returncode == 0, again.stderr
    assert "licence" not in again.stderr
    assert {name: len(file.asked) for name, file in server.files.items()} == requests
    same = json.loads(again.stdout)
    assert Path(same["path"]).read_bytes() == Path(drawn["path"]).read_bytes()
