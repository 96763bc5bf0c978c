"""How the demo's embedder is made, on a handful of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import c2l
from c2l_demo.worlds import WORLDS, is_held_out
from c2l_demo_workshop import clip, clip_model, corpus, dataset, judge, muon, words


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dataset.Pictures]:
    folder = tmp_path_factory.mktemp("worlds")
    for name in WORLDS:
        assert list(dataset.render(name, 12, 3, folder / name, workers=1)) == [12]
    return {name: dataset.load(folder / name) for name in WORLDS}


@pytest.fixture(scope="module")
def vocabulary() -> words.Vocabulary:
    return words.Vocabulary(list(WORLDS.values()))


@pytest.fixture(scope="module")
def labels() -> corpus.Labels:
    return corpus.Labels(list(WORLDS.values()))


@pytest.mark.parametrize("name", WORLDS)
def test_a_picture_is_a_function_of_world_seed_and_index(
    name: str, pictures: dict[str, dataset.Pictures]
) -> None:
    found = pictures[name]
    world = found.world
    scene = dataset.draw_scene(world, 3, 7)
    decoded = found.scene(7)
    assert decoded.attributes == scene.attributes
    assert decoded.nuisances == pytest.approx(scene.nuisances)
    assert np.array_equal(found.images[7], np.asarray(world.render(scene, dataset.SIZE)))
    assert found.visible[7].tolist() == [
        world.visible(scene).get(a.name, -1) for a in world.attributes
    ]


def test_an_unfinished_folder_does_not_load(tmp_path: Path) -> None:
    next(dataset.render("landscapes", 300, 1, tmp_path, size=16, workers=1))
    with pytest.raises(FileNotFoundError):
        dataset.load(tmp_path)


def test_the_grammar_has_a_row_for_everything_it_says(vocabulary: words.Vocabulary) -> None:
    rng = np.random.default_rng(0)
    for name in WORLDS:
        world = WORLDS[name]
        for _ in range(200):
            text, _ = world.caption(world.sample(rng), rng)
            rows = vocabulary.rows(text)
            assert vocabulary.unknown_row not in rows, text
            assert len(rows) <= words.CONTEXT_LENGTH
            stock = words.tokenizer()([text], words.CONTEXT_LENGTH)[0]
            ids = stock[: int(stock.argmax()) + 1].tolist()
            assert [vocabulary.token_ids[row] for row in rows] == ids
    assert vocabulary.unknown_row in vocabulary.rows("a xylophone")


def test_training_captions_are_never_held_out(
    pictures: dict[str, dataset.Pictures], labels: corpus.Labels
) -> None:
    found = corpus.Corpus(pictures["faces"], 0, labels)
    rng = np.random.default_rng(0)
    chosen = np.arange(12).repeat(10)
    assert not any(map(is_held_out, found.captions(chosen, rng)[0]))
    assert all(map(is_held_out, found.captions(chosen, rng, held_out=True)[0]))


def test_a_caption_is_true_of_every_picture_that_shows_what_it_names() -> None:
    images = torch.tensor([[0, 1, 2], [0, 1, 0], [0, -1, 2], [1, 1, 2]])
    texts = torch.tensor([[0, 1, -1], [0, -1, 2], [0, -1, -1]])
    assert corpus.consistent(texts, images).tolist() == [
        [True, True, False, False],
        [True, False, True, False],
        [True, True, True, False],
    ]


def test_contrast_is_least_where_true_pairs_agree() -> None:
    unit = torch.eye(4)
    true = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1]]).bool()
    images = unit[[0, 0, 1, 1]]
    right = clip_model.contrast(unit[:2], images, true, torch.tensor(20.0))
    wrong = clip_model.contrast(unit[[1, 0]], images, true, torch.tensor(20.0))
    # Two true pictures share the probability of a text: log 2; its half is the mean of both ways.
    assert float(right) == pytest.approx(np.log(2) / 2, abs=1e-3)
    assert float(wrong) > 10


@pytest.mark.parametrize("shape", [(16, 72), (72, 16)])
def test_muon_makes_updates_nearly_orthogonal(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(muon.orthogonalise(matrix))
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_a_step_of_training_goes_downhill(
    pictures: dict[str, dataset.Pictures], vocabulary: words.Vocabulary, labels: corpus.Labels
) -> None:
    torch.manual_seed(0)
    learner = clip_model.Learner(vocabulary, labels)
    sources = [(corpus.Corpus(p, i, labels), 0.5) for i, p in enumerate(pictures.values())]
    batch = corpus.Feed(sources, vocabulary, 0).draw(16, 8)
    assert batch.images.shape == (16, 3, 64, 64)
    assert len(batch.rows) == 8
    before, _ = learner.loss(batch, 1.0)
    for _ in range(4):
        for optimizer in clip.optimizers_for(learner, 2e-3):
            learner.zero_grad()
            learner.loss(batch, 1.0)[0].backward()
            optimizer.step()
    after, _ = learner.loss(batch, 1.0)
    assert after.item() < before.item() - 0.2


def test_what_is_exported_embeds_as_in_training(
    pictures: dict[str, dataset.Pictures],
    vocabulary: words.Vocabulary,
    labels: corpus.Labels,
    tmp_path: Path,
) -> None:
    torch.manual_seed(1)
    learner = clip_model.Learner(vocabulary, labels).eval()
    clip.export(learner, vocabulary, tmp_path)
    embedder = c2l.load_embedder(f"openclip:{tmp_path}")
    prompts = ["a young woman with ear rings, by the sea!", "a zebra on a snowy hill"]
    small = corpus.Corpus(pictures["faces"], 0, labels).images(np.arange(4))
    large = judge.pictures_of(pictures["faces"].images[:4])
    with torch.inference_mode():
        texts = clip_model.encode_rows(learner.clip, *vocabulary.batch(prompts))
        images = learner.clip.encode_image(small)
    cosine = torch.nn.functional.cosine_similarity
    # Half precision, and pictures that were rounded to bytes after shrinking.
    assert cosine(embedder.embed_text(prompts), texts).min() > 0.9999
    assert cosine(embedder.embed_images(large), images).min() > 0.999
    assert embedder.read_text(prompts[1]).unknown == ("zebra",)
