"""The laws of embedders on tiny models, and the same numbers as transformers itself gives."""

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
from torch.nn.functional import cosine_similarity, interpolate

import c2l
from c2l.errors import BadWeights
from c2l.testing import assert_conforms

pytest.importorskip("transformers", reason="transformers is not installed")

from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

from c2l_transformers.embedder import TransformersEmbedder
from c2l_transformers.make_tiny import write_clip, write_siglip

PROMPTS = ["a man", "A woman in a red hat", "", "an owl by the sea"]


@pytest.fixture(scope="module", params=[write_clip, write_siglip], ids=["clip", "siglip"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return request.param(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def embedder(folder: Path) -> c2l.Embedder:
    return c2l.load_embedder(f"transformers:{folder}")


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(folder, tmp_path / "own"))


def change(file: Path, **changes: Any) -> None:
    raw = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**raw, **changes}), encoding="utf-8")


def fingerprint(folder: Path) -> str:
    return c2l.load_embedder(f"transformers:{folder}").fingerprint()


def test_it_keeps_the_laws_of_embedders(folder: Path) -> None:
    assert_conforms(f"transformers:{folder}")


def test_describing_the_plugin_imports_nothing_heavy() -> None:
    code = (
        "import c2l_transformers, sys; sys.exit(bool({'torch', 'transformers'} & {*sys.modules}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@torch.no_grad()
def test_texts_are_embedded_as_by_transformers(embedder: c2l.Embedder, folder: Path) -> None:
    model = AutoModel.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    siglip = model.config.model_type == "siglip"
    # As its own documentation has it: SigLIP as long as can be, without a mask.
    given = {"padding": "max_length", "max_length": 12} if siglip else {"padding": True}
    asked = tokenizer(PROMPTS, truncation=True, return_tensors="pt", **given)
    if siglip:
        asked.pop("attention_mask")
    wanted = model.get_text_features(**asked).pooler_output
    torch.testing.assert_close(embedder.embed_text(PROMPTS), wanted, atol=1e-5, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("size", [(24, 24), (64, 64), (90, 40), (30, 71)])
def test_pictures_are_embedded_as_by_transformers(
    embedder: c2l.Embedder, folder: Path, size: tuple[int, int]
) -> None:
    noise = torch.randn(3, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    pixels = (interpolate(noise, size, mode="bicubic").tanh() * 127.5 + 127.5).round()
    prepared = AutoImageProcessor.from_pretrained(folder)(
        list(pixels.to(torch.uint8)), return_tensors="pt"
    )
    model = AutoModel.from_pretrained(folder).eval()
    wanted = model.get_image_features(pixel_values=prepared["pixel_values"]).pooler_output
    found = embedder.embed_images(pixels / 127.5 - 1)
    assert cosine_similarity(found, wanted).min() > 0.9999


def test_what_does_not_fit_is_told(embedder: c2l.Embedder) -> None:
    assert embedder.read_text("a hat").cut == ""
    assert embedder.read_text("a red hat " * 9).cut.endswith("red hat")


def test_bare_folders_are_recognised(folder: Path, tmp_path: Path) -> None:
    assert TransformersEmbedder.recognises(folder)
    assert not TransformersEmbedder.recognises(tmp_path)


def test_the_fingerprint_is_of_what_decides(folder: Path, own: Path) -> None:
    was = fingerprint(folder)
    assert fingerprint(own) == was, "whatever the folder is called"
    prepared = json.loads((own / "preprocessor_config.json").read_text(encoding="utf-8"))
    for file, changes in (
        ("preprocessor_config.json", {"image_mean": [0.5, 0.5, 0.4]}),
        ("preprocessor_config.json", {"resample": 5 - prepared["resample"]}),  # 2 or 3
        ("tokenizer_config.json", {"note": "another tokenizer"}),
    ):
        kept = (own / file).read_text(encoding="utf-8")
        change(own / file, **changes)
        assert fingerprint(own) != was, changes
        (own / file).write_text(kept, encoding="utf-8")


def test_the_settings_of_a_processor_are_read_as_well(folder: Path, own: Path) -> None:
    alone = own / "preprocessor_config.json"
    whole = {"image_processor": json.loads(alone.read_text(encoding="utf-8"))}
    (own / "processor_config.json").write_text(json.dumps(whole), encoding="utf-8")
    alone.unlink()
    assert fingerprint(own) == fingerprint(folder)


@pytest.mark.parametrize(
    ("file", "changes", "said"),
    [
        ("config.json", {"model_type": "bert"}, "bert"),
        ("preprocessor_config.json", {"resample": 0}, "resample"),
        ("preprocessor_config.json", {"do_normalize": False}, "do_normalize"),
        ("preprocessor_config.json", {"image_std": [0.2, 0.2, 0]}, "image_std"),
        ("preprocessor_config.json", {"rescale_factor": 1}, "rescale_factor"),
        ("preprocessor_config.json", {"size": {"height": 16, "width": 16}}, "16"),
        ("preprocessor_config.json", {"size": {"longest_edge": 24}}, "'height'|cut out|24"),
    ],
)
def test_what_is_not_known_is_refused(
    own: Path, file: str, changes: dict[str, Any], said: str
) -> None:
    change(own / file, **changes)
    if changes.get("size") and "crop_size" in (own / file).read_text(encoding="utf-8"):
        change(own / file, crop_size={"height": 16, "width": 16})
    with pytest.raises(BadWeights, match=said) as caught:
        c2l.load_embedder(f"transformers:{own}")
    assert caught.value.hint


def test_damaged_folders_are_refused(own: Path) -> None:
    weights = own / "model.safetensors"
    tensors = load_file(weights)
    missing = next(iter(tensors))
    save_file({n: t for n, t in tensors.items() if n != missing}, weights, {"format": "pt"})
    with pytest.raises(BadWeights, match="no weights for"):
        c2l.load_embedder(f"transformers:{own}")
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(BadWeights, match="cannot be read"):
        c2l.load_embedder(f"transformers:{own}")
    (own / "preprocessor_config.json").unlink()
    with pytest.raises(BadWeights, match="prepared"):
        c2l.load_embedder(f"transformers:{own}")
