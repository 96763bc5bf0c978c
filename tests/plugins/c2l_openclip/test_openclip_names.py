"""``openclip:ARCH/TAG``: the traps of open_clip's names are closed, without any download."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import open_clip
import pytest
import torch
from safetensors.torch import load_file

import c2l
from c2l.errors import BadWeights, ExitCode, MissingDependency, NotDownloaded, UnknownReference
from c2l_openclip import update_cards
from c2l_openclip.sources import from_tag
from c2l_openclip.tokens import HuggingFaceTokenizer

DATA = Path(__file__).parents[2] / "data" / "openclip-tiny"
PAIRS = open_clip.list_pretrained()


@pytest.fixture
def online(monkeypatch) -> None:
    """Nothing is cached and the network would be used, if downloading were not replaced."""
    monkeypatch.delenv("C2L_OFFLINE", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda repository, name: None)
    monkeypatch.setattr(open_clip, "download_pretrained", lambda listed: "weights")


@pytest.fixture
def transformers_there(monkeypatch) -> None:
    monkeypatch.setattr("c2l_openclip.sources.require_transformers", lambda what: None)


def test_every_pair_resolves_with_its_own_preprocessing(online, transformers_there) -> None:
    for arch, tag in PAIRS:
        found = from_tag(f"{arch}/{tag}")
        listed = open_clip.get_pretrained_cfg(arch, tag)
        for key in ("mean", "std", "interpolation", "resize_mode"):
            assert found.preprocess[key] == listed[key]
        assert found.config["embed_dim"] == open_clip.get_model_config(arch)["embed_dim"]
        if listed.get("quick_gelu"):
            assert found.config["quick_gelu"], f"{arch}/{tag}"


@pytest.mark.parametrize(
    ("name", "quick"),
    [
        ("ViT-B-32/openai", True),
        ("ViT-B/32/openai", True),
        ("ViT-B-32-quickgelu/openai", True),
        ("ViT-B-32/laion400m_e32", True),
        ("ViT-B-32/laion2b_s34b_b79k", False),
        ("ViT-B-32/datacomp_xl_s13b_b90k", False),
        ("ViT-H-14/dfn5b", True),
        ("ViT-L-14/metaclip_fullcc", True),
        # Its tag is silent, but the architecture was written for these weights alone.
        ("roberta-ViT-B-32/laion2b_s12b_b32k", True),
    ],
)
def test_quickgelu_comes_from_the_tag(online, transformers_there, name, quick) -> None:
    assert from_tag(name).config["quick_gelu"] is quick


def test_a_tag_is_loaded_with_its_gelu_and_preprocessing(online, monkeypatch) -> None:
    """A made-up tag in open_clip's place; the architecture's name says GELU, the tag QuickGELU."""
    config = json.loads((DATA / "tiny-gelu" / "open_clip_config.json").read_text())["model_cfg"]
    listed = {
        "quick_gelu": True,
        "mean": (0.0, 0.0, 0.0),
        "std": (1.0, 1.0, 1.0),
        "interpolation": "bilinear",
        "resize_mode": "squash",
    }
    weights = DATA / "tiny-gelu" / "open_clip_model.safetensors"
    monkeypatch.setattr(
        open_clip, "get_pretrained_cfg", lambda a, t: listed if (a, t) == ("tiny", "x") else {}
    )
    monkeypatch.setattr(open_clip, "get_model_config", lambda arch: deepcopy(config))
    monkeypatch.setattr(open_clip, "download_pretrained", lambda listed: str(weights))
    embedder = c2l.load_embedder("openclip:tiny/x")
    golden = load_file(DATA / "golden.safetensors")
    prompts = json.loads((DATA / "prompts.json").read_text(encoding="utf-8"))
    torch.testing.assert_close(
        embedder.embed_text(prompts), golden["tiny-quickgelu.text"], atol=1e-4, rtol=0
    )
    assert not embedder.training and embedder.reference == "openclip:tiny/x"
    prepared = embedder.preprocessing(torch.full((1, 3, 40, 60), 0.5))
    torch.testing.assert_close(prepared, torch.full((1, 3, 32, 32), 0.75))


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("ViT-B-32/opnai", "openclip:ViT-B-32/openai"),
        ("vit-b-32/openai", "openclip:ViT-B-32/openai"),
        ("ViT-B-32", "openclip:ViT-B-32/openai"),
        ("ViT-B23/openai", "openclip:ViT-B-32/openai"),
        ("ViT-B-16-SigLip/webli", "openclip:ViT-B-16-SigLIP/webli"),
    ],
)
def test_unknown_names_answer_with_the_nearest(name, near) -> None:
    with pytest.raises(UnknownReference) as caught:
        c2l.load_embedder(f"openclip:{name}")
    assert near in caught.value.hint and 'c2l models list kind="embedder"' in caught.value.hint
    assert name in caught.value.message and "\n" not in str(caught.value)


def test_offline_is_one_clear_line(monkeypatch, tmp_path) -> None:
    """In a process of its own: Hugging Face reads its variables once."""
    code = (
        "import sys, time, c2l\n"
        "from c2l.errors import NotDownloaded\n"
        "start = time.perf_counter()\n"
        "try:\n"
        "    c2l.load_embedder('openclip:ViT-B-32/openai')\n"
        "except NotDownloaded as error:\n"
        "    print(time.perf_counter() - start, int(error.exit_code))\n"
        "    print(error)\n"
        # A plain CLIP by its address needs open_clip's lists, not what open_clip imports.
        "    heavy = {'open_clip', 'torchvision', 'timm', 'torch._dynamo'}\n"
        "    print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": "", "C2L_OFFLINE": "1", "HF_HOME": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=400,
        check=True,
    )
    figures, message, imported = done.stdout.strip().splitlines()
    assert imported == "[]"
    seconds, code_returned = figures.split()
    assert float(seconds) < 30 and int(code_returned) == ExitCode.OFFLINE
    assert "openclip:ViT-B-32/openai" in message and "C2L_OFFLINE" in message


def test_what_is_cached_is_used_without_the_network(monkeypatch, tmp_path) -> None:
    def cached(repository: str, name: str) -> str | None:
        wanted = ("timm/vit_base_patch32_clip_224.openai", "open_clip_model.safetensors")
        return str(tmp_path / name) if (repository, name) == wanted else None

    def forbidden(listed: object) -> str:
        raise AssertionError("the network was used")

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", cached)
    monkeypatch.setattr(open_clip, "download_pretrained", forbidden)
    assert from_tag("ViT-B-32/openai").weights == tmp_path / "open_clip_model.safetensors"
    with pytest.raises(NotDownloaded):
        from_tag("ViT-B-16/openai")


def test_a_failed_download_says_what_to_do(online, monkeypatch) -> None:
    def fail(listed: object) -> str:
        raise RuntimeError("connection refused\nand a long story")

    monkeypatch.setattr(open_clip, "download_pretrained", fail)
    with pytest.raises(NotDownloaded, match="timm/vit_base_patch32_clip_224") as caught:
        c2l.load_embedder("openclip:ViT-B-32/openai")
    assert "connection refused" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(
    importlib.util.find_spec("transformers") is not None, reason="transformers is installed"
)
@pytest.mark.parametrize(
    "name", ["ViT-B-16-SigLIP/webli", "xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k"]
)
def test_a_tokenizer_without_transformers_says_what_to_install(online, monkeypatch, name) -> None:
    monkeypatch.setattr(open_clip, "download_pretrained", None)  # said before anything is fetched
    with pytest.raises(MissingDependency) as caught:
        c2l.load_embedder(f"openclip:{name}")
    assert "pip install transformers" in caught.value.hint


def test_folders_that_are_none(tmp_path) -> None:
    with pytest.raises(BadWeights, match=r"holds no open_clip_config\.json"):
        c2l.load_embedder(f"openclip:{tmp_path}")
    config = tmp_path / "open_clip_config.json"
    config.write_text("{")
    with pytest.raises(BadWeights, match="cannot be read"):
        c2l.load_embedder(f"openclip:{tmp_path}")
    config.write_text("[]")
    with pytest.raises(BadWeights, match="no model_cfg"):
        c2l.load_embedder(f"openclip:{tmp_path}")
    whole = json.loads((DATA / "tiny-gelu" / "open_clip_config.json").read_text())
    config.write_text(json.dumps(whole))
    with pytest.raises(BadWeights, match="holds no weights"):
        c2l.load_embedder(f"openclip:{tmp_path}")
    weights = (DATA / "tiny-gelu" / "open_clip_model.safetensors").read_bytes()
    (tmp_path / "open_clip_model.safetensors").write_bytes(weights)
    del whole["preprocess_cfg"]
    config.write_text(json.dumps(whole))
    with pytest.raises(BadWeights, match="does not say how its images are prepared"):
        c2l.load_embedder(f"openclip:{tmp_path}")
    with pytest.raises(BadWeights, match="is not a folder"):
        c2l.load_embedder(f"openclip:{config}")


def test_cards_are_what_open_clip_lists() -> None:
    text = update_cards.CARDS.read_text(encoding="utf-8")
    assert text == update_cards.render(), "run: python -m c2l_openclip.update_cards"
    assert text.count("[[model]]") == len(PAIRS)
    for arch, tag in PAIRS:
        assert f'reference = "openclip:{arch}/{tag}"\n' in text


def test_a_demo_sized_embedder_does_not_import_open_clip(tmp_path) -> None:
    """Importing open_clip takes longer than all else that `c2l sample` does."""
    reference = f"openclip:{DATA / 'tiny-gelu'}"
    code = (
        "import sys, c2l\n"
        f"embedder = c2l.load_embedder({reference!r})\n"
        "embedder.embed_text(['a man'])\n"
        "heavy = {'open_clip', 'torchvision', 'timm', 'torch._dynamo', 'transformers'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=400, check=True
    )
    assert done.stdout.strip() == "[]"


def test_what_a_hugging_face_tokenizer_cuts(monkeypatch) -> None:
    """With a stand-in for transformers: two pieces for each long word, one end token."""

    class Stock:
        context_length = 8

        def clean_fn(self, text: str) -> str:
            return " ".join(text.split())

        def tokenizer(self, text: str) -> SimpleNamespace:
            pieces = [piece for word in text.split() for piece in ([0] * (1 + (len(word) > 4)))]
            return SimpleNamespace(input_ids=[*pieces, 1])

    monkeypatch.setattr("c2l_openclip.tokens.require_transformers", lambda what: None)
    monkeypatch.setattr(open_clip, "get_tokenizer", lambda model: Stock())
    tokenizer = HuggingFaceTokenizer("google/stand-in", "ViT-B-16-SigLIP")
    assert tokenizer.name == "google/stand-in/8"
    assert tokenizer.cut("one two three four five six") == ""
    assert tokenizer.cut("One two three four five six, Seven  eight") == "Seven eight"
