"""The shipped demo: small enough, complete, and it draws what people type."""

from __future__ import annotations

import pytest
import torch

import c2l
from c2l.evaluation import find_judge
from c2l.plugins import registry
from c2l_demo import WEIGHTS

# Written by hand, in people's words; what each names, in the worlds' own.
FACES = {
    "a young blonde woman with eyeglasses and ear rings": {
        "gender": 0, "age": 1, "hair_colour": 2, "glasses": 1, "ear_rings": 1},
    "middle aged man with a beard and a happy expression by the sea": {
        "gender": 1, "age": 2, "facial_hair": 1, "expression": 0, "place": 1},
    "a man with large sunglasses and a sad expression by the forest": {
        "gender": 1, "glasses": 2, "expression": 2, "place": 2},
    "an elderly lady with grey curly hair and spectacles": {
        "gender": 0, "age": 3, "hair_colour": 4, "hair_style": 3, "glasses": 1},
    "a grinning kid with a red cap in the city": {
        "age": 0, "expression": 0, "hat": 1, "place": 3},
    "shocked bald man with a moustache": {
        "gender": 1, "expression": 3, "hair_style": 0, "facial_hair": 2},
    "a redhead with a ponytail in the snowy mountains": {
        "hair_colour": 3, "hair_style": 4, "place": 4},
    "dark-skinned girl with a straw hat and a big smile": {
        "gender": 0, "age": 0, "skin": 3, "hat": 2, "expression": 0},
    "a bearded old man in a blue woolly hat": {
        "gender": 1, "age": 3, "facial_hair": 1, "hat": 3},
    "unhappy woman with long black hair and shades at the seaside": {
        "gender": 0, "expression": 2, "hair_style": 2, "hair_colour": 0, "glasses": 2,
        "place": 1},
}  # fmt: skip
LANDSCAPES = {
    "tropical beach": {"place": 0, "palms": 1},
    "sun setting over the mountain": {"place": 1, "time": 1, "celestial": 1},
    "green hill under a blue sky": {"place": 6, "time": 0, "season": 0},
    "a snowy forest at night with a full moon": {
        "place": 2, "season": 2, "time": 2, "celestial": 2},
    "rainbow over a lake": {"place": 5, "rainbow": 1},
    "desert dunes under the midday sun": {"place": 3, "time": 0, "celestial": 1},
    "city skyline in a thunderstorm": {"place": 4, "time": 3},
    "autumn woods at dusk": {"place": 2, "season": 1, "time": 1},
    "mountains in winter under a clear sky": {"place": 1, "season": 2, "clouds": 0},
    "starry night at the coast with palm trees": {"place": 0, "time": 2, "palms": 1},
}  # fmt: skip


def share_shown(world: str, prompts: dict[str, dict[str, int]], **how: int) -> float:
    """The share of named attributes in the pictures of four seeds, by the judge."""
    pipeline = c2l.load_pipeline(f"demo-{world}")
    result = pipeline(list(prompts), num_images=4, seed=100, **how)
    found = find_judge(pipeline.generator.reference)
    assert found is not None
    seen = found[1](result.images)
    right = [
        bool(seen[name][row] == value)
        for row, prompt in enumerate(result.prompts)
        for name, value in prompts[prompt].items()
    ]
    return sum(right) / len(right)


def test_it_fits_into_the_wheel() -> None:
    size = sum(file.stat().st_size for file in WEIGHTS.rglob("*") if file.is_file())
    assert size < 16 * 2**20


@pytest.mark.parametrize(("world", "prompts"), [("faces", FACES), ("landscapes", LANDSCAPES)])
def test_pictures_show_what_the_prompts_name(
    world: str, prompts: dict[str, dict[str, int]]
) -> None:
    # Random latents show about a third of what is named; see benchmarks/demo_quality.md.
    assert share_shown(world, prompts) >= 0.85


@pytest.mark.parametrize("recipe", ["demo-faces", "demo-landscapes"])
def test_every_word_of_the_example_prompts_is_known(recipe: str) -> None:
    card = registry().recipe(recipe)
    embedder = c2l.load_embedder(card.embedder)
    assert card.prompts
    for prompt in card.prompts:
        assert embedder.read_text(prompt) == c2l.TextReading()


@pytest.mark.parametrize("recipe", ["demo-faces", "demo-landscapes"])
def test_eight_pictures_of_one_prompt_differ(recipe: str) -> None:
    images = c2l.load_pipeline(recipe)("a picture", num_images=8).images
    differences = (images[:, None] - images[None]).abs().mean(dim=(2, 3, 4))
    assert differences[~torch.eye(8, dtype=torch.bool)].min() > 0.02


def test_one_embedder_serves_both_worlds() -> None:
    faces, landscapes = map(registry().recipe, ("demo-faces", "demo-landscapes"))
    assert faces.embedder == landscapes.embedder


@pytest.mark.parametrize(
    ("world", "prompt", "negative", "absent"),
    [
        ("faces", "a man", "beard, moustache, sunglasses, red cap",
         {"facial_hair": [0], "glasses": [0, 1], "hat": [0, 2, 3]}),
        ("landscapes", "a hill at night", "moon, snow", {"celestial": [0, 1], "season": [0, 1]}),
    ],
)  # fmt: skip
def test_what_is_negative_is_absent(
    world: str, prompt: str, negative: str, absent: dict[str, list[int]]
) -> None:
    """Measured at more length by ``benchmarks/negation.py``."""
    pipeline, judge = c2l.load_pipeline(f"demo-{world}"), find_judge(f"stylegan:demo-{world}")
    assert judge is not None

    def share(**asked: str) -> float:
        seen = judge[1](pipeline(num_images=24, **asked).images)
        found = [torch.isin(seen[name], torch.tensor(v)) for name, v in absent.items()]
        return float(torch.stack(found).float().mean())

    in_words = f"{prompt} without {negative.replace(', ', ', without ')}"
    assert share(prompts=in_words) < 0.3  # the embedder reads what is named, not that it is not
    assert share(prompts=prompt) < 0.85
    assert share(prompts=prompt, negative=negative) > 0.95
