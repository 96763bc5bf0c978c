"""A compact token table computes what the whole table computes, and knows what it knows."""

from __future__ import annotations

import json
from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file

import c2l
from c2l.errors import BadWeights

DATA = Path(__file__).parents[2] / "data" / "openclip-tiny" / "tiny-gelu"
WORDS = ["a", "woman", "man", "with", "blonde", "hair", "ear", "rings", "happy", "middle", "aged"]
KNOWN = "a blonde woman with ear-rings, a man's hair; happy!"


def compact(folder: Path, **changes: object) -> str:
    """The golden model with rows for WORDS and some punctuation only, and one for the rest."""
    folder.mkdir(exist_ok=True)
    stock = open_clip.tokenizer.SimpleTokenizer()
    text = " ".join(WORDS) + " - , ; ! 's"
    ids = sorted({*stock.encode(text), stock.sot_token_id, stock.eot_token_id})
    state = load_file(DATA / "open_clip_model.safetensors")
    table = state["token_embedding.weight"]
    state["token_embedding.weight"] = torch.cat([table[ids], table[320:321]]).contiguous()
    save_file(state, folder / "open_clip_model.safetensors")
    config = json.loads((DATA / "open_clip_config.json").read_text())
    config["c2l"] = {"token_ids": ids, "unknown_row": len(ids), "words": WORDS, **changes}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return f"openclip:{folder}"


def test_known_prompts_give_the_whole_model_s_embeddings(tmp_path) -> None:
    small, whole = c2l.load_embedder(compact(tmp_path)), c2l.load_embedder(f"openclip:{DATA}")
    prompts = [KNOWN, "", "a man", "happy " * 100]
    torch.testing.assert_close(
        small.embed_text(prompts), whole.embed_text(prompts), atol=1e-6, rtol=0
    )
    images = torch.rand(2, 3, 50, 40) * 2 - 1
    torch.testing.assert_close(small.embed_images(images), whole.embed_images(images))
    assert small.fingerprint() != whole.fingerprint()
    table = small.state_dict()["towers.token_embedding.weight"]
    assert len(table) < 40
    assert sum(t.numel() for t in small.state_dict().values()) < 200_000


def test_unknown_tokens_share_one_row(tmp_path) -> None:
    small = c2l.load_embedder(compact(tmp_path))
    one, other, known = small.embed_text(["a dog", "a cat", "a man"])
    torch.testing.assert_close(one, other)
    assert (one - known).abs().max() > 1e-3


def test_unknown_words_are_named(tmp_path) -> None:
    small = c2l.load_embedder(compact(tmp_path))
    assert small.read_text(KNOWN) == c2l.TextReading()
    assert small.read_text("A Middle-Aged MAN with 2 llamas, and a llama's Hat.").unknown == (
        "2",
        "llamas",
        "and",
        "llama's",
        "hat",
    )
    assert small.read_text("a happy llama, llama and llama").unknown == ("llama", "and")
    assert small.read_text("... !? \U0001f600 - _").unknown == ()
    assert small.read_text("").unknown == ()
    reading = small.read_text("a " * 76 + "zebra")
    assert reading.cut == "a zebra" and reading.unknown == ("zebra",)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"words": None}, "needs token_ids, unknown_row and words"),
        ({"token_ids": [49406, 49407, 320]}, "must ascend"),
        ({"token_ids": [320, 49407]}, "start and end token"),
        ({"unknown_row": 10_000}, "does not hold the model"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, changes, problem) -> None:
    with pytest.raises(BadWeights, match=problem):
        c2l.load_embedder(compact(tmp_path, **changes))
