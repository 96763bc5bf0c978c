"""Embeddings are those of open_clip, and text and pictures are read as open_clip reads them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import c2l
from c2l.errors import BadInput

DATA = Path(__file__).parents[2] / "data" / "openclip-tiny"
FOLDER = DATA / "tiny-gelu"


@pytest.fixture(scope="module")
def golden() -> dict[str, torch.Tensor]:
    return load_file(DATA / "golden.safetensors")


@pytest.fixture(scope="module")
def prompts() -> list[str]:
    return json.loads((DATA / "prompts.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def embedder() -> c2l.Embedder:
    return c2l.load_embedder(f"openclip:{FOLDER}")


def edited(tmp_path: Path, **changes: object) -> Path:
    """A copy of the golden folder with top-level keys of its config replaced or, if None, gone."""
    folder = tmp_path / "model"
    shutil.copytree(FOLDER, folder)
    path = folder / "open_clip_config.json"
    config = json.loads(path.read_text())
    for key, value in changes.items():
        config.pop(key, None)
        if value is not None:
            config[key] = value
    path.write_text(json.dumps(config))
    return folder


def model_cfg(**changes: object) -> dict[str, object]:
    config = json.loads((FOLDER / "open_clip_config.json").read_text())["model_cfg"]
    return {**config, **changes}


def picture() -> torch.Tensor:
    """image.png as a generator's tensor: (1, 3, 90, 120) in [-1, 1]."""
    image = Image.open(DATA / "image.png").convert("RGB")
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return pixels.view(1, image.height, image.width, 3).permute(0, 3, 1, 2) / 127.5 - 1


def test_text_and_tokens(embedder, golden, prompts) -> None:
    assert torch.equal(embedder.tokenizer(prompts), golden["tokens"])
    text = embedder.embed_text(prompts)
    assert text.dtype == torch.float32 and text.shape == (5, embedder.width) == (5, 64)
    torch.testing.assert_close(text, golden["tiny-gelu.text"], atol=1e-6, rtol=0)
    # In a batch with a longer prompt or alone: the same.
    for prompt, row in zip(prompts, text, strict=True):
        torch.testing.assert_close(embedder.embed_text([prompt])[0], row, atol=1e-5, rtol=0)


def test_image_tower(embedder, golden) -> None:
    features = embedder.towers.encode_image(golden["preprocessed"])
    torch.testing.assert_close(features, golden["tiny-gelu.image"], atol=1e-6, rtol=0)


def test_quickgelu_is_taken_from_the_folder(tmp_path, golden, prompts) -> None:
    quick = c2l.load_embedder(f"openclip:{edited(tmp_path, model_cfg=model_cfg(quick_gelu=True))}")
    torch.testing.assert_close(
        quick.embed_text(prompts), golden["tiny-quickgelu.text"], atol=1e-6, rtol=0
    )
    features = quick.towers.encode_image(golden["preprocessed"])
    torch.testing.assert_close(features, golden["tiny-quickgelu.image"], atol=1e-6, rtol=0)


def test_a_tensor_is_prepared_like_a_picture(embedder, golden) -> None:
    """Up to the 8 bits that PIL rounds to after resizing: half a level over the smallest std."""
    prepared = embedder.preprocessing(picture())
    assert prepared.shape == golden["preprocessed"].shape
    difference = (prepared - golden["preprocessed"]).abs()
    assert difference.max() < 1.5 / 255 / 0.26 and difference.mean() < 0.5 / 255 / 0.26
    whole = embedder.embed_images(picture())
    assert torch.cosine_similarity(whole, golden["tiny-gelu.image"]).item() > 0.9999


def test_images_are_clamped_differentiable_and_any_float_type(embedder) -> None:
    images = picture().repeat(2, 1, 1, 1)
    images[1] = 3 * images[1]
    images.requires_grad_(True)
    embedded = embedder.embed_images(images)
    torch.testing.assert_close(embedded[1:], embedder.embed_images(images[1:].clamp(-1, 1)))
    embedded.sum().backward()
    assert images.grad is not None and images.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in embedder.parameters()) and not embedder.training
    assert embedder.embed_images(images.detach().double()).dtype == torch.float32
    assert embedder.embed_images(images[:0].detach()).shape == (0, 64)
    assert embedder.embed_text([]).shape == (0, 64)


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 4, 64, 64), (1, 1, 64, 64)])
def test_images_of_another_shape_are_refused(embedder, shape) -> None:
    with pytest.raises(BadInput, match="cannot be embedded"):
        embedder.embed_images(torch.zeros(shape))


def test_what_is_cut_is_said(embedder, prompts) -> None:
    assert [embedder.read_text(p).cut for p in prompts[:4]] == ["", "", "", ""]
    # 120 one-token words, of which 75 fit between start and end token.
    assert embedder.read_text(prompts[4]).cut == " ".join(["word"] * 45)
    assert embedder.read_text(" ".join(["word"] * 75)).cut == ""
    assert embedder.read_text("A  Dog\n" + "word " * 72 + "Last One").cut == "One"
    # The cut prompt and the whole one are the same to the tower, one word more is not.
    whole = embedder.embed_text([" ".join(["word"] * 75) + " cat", " ".join(["word"] * 75)])
    torch.testing.assert_close(whole[0], whole[1], atol=1e-6, rtol=0)
    assert embedder.read_text("anything").unknown == ()


def test_half_precision_on_disk(tmp_path, golden, prompts) -> None:
    folder = edited(tmp_path)
    path = folder / "open_clip_model.safetensors"
    save_file({name: tensor.half() for name, tensor in load_file(path).items()}, path)
    embedder = c2l.load_embedder(f"openclip:{folder}")
    assert {p.dtype for p in embedder.parameters()} == {torch.float32}
    torch.testing.assert_close(
        embedder.embed_text(prompts), golden["tiny-gelu.text"], atol=1e-6, rtol=0
    )


def test_torch_files_and_wrapped_names_load_too(tmp_path, golden, prompts) -> None:
    folder = edited(tmp_path)
    path = folder / "open_clip_model.safetensors"
    state = {f"module.{name}": tensor for name, tensor in load_file(path).items()}
    path.unlink()
    torch.save({"state_dict": state}, folder / "open_clip_pytorch_model.bin")
    embedder = c2l.load_embedder(f"openclip:{folder}")
    torch.testing.assert_close(
        embedder.embed_text(prompts), golden["tiny-gelu.text"], atol=1e-6, rtol=0
    )
    assert embedder.fingerprint() == c2l.load_embedder(f"openclip:{FOLDER}").fingerprint()


def test_fingerprint(tmp_path, embedder) -> None:
    # A fixed value: were it to change, every prior that was ever trained would be refused.
    assert embedder.fingerprint() == (
        "3bd9d62f50ca72cf21c4d21b600fe119db07288e942b264ae6154ead160e399a"
    )
    moved = edited(tmp_path)
    assert c2l.load_embedder(str(moved)).fingerprint() == embedder.fingerprint()
    prepared = json.loads((moved / "open_clip_config.json").read_text())["preprocess_cfg"]
    for change in (
        {"mean": [0.5, 0.5, 0.5]},
        {"std": [0.5, 0.5, 0.5]},
        {"interpolation": "bilinear"},
        {"resize_mode": "squash"},
    ):
        shutil.rmtree(moved)
        edited(tmp_path, preprocess_cfg={**prepared, **change})
        assert c2l.load_embedder(str(moved)).fingerprint() != embedder.fingerprint(), change
    assert str(moved) not in json.dumps(dict(embedder.settings()))
