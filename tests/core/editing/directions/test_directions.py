"""Directions on the toy world, whose attributes can be read off its latents."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch.nn.functional import normalize

import c2l
from c2l.editing import GivenLatents, latents_of
from c2l.editing.directions import (
    Direction,
    adhere,
    from_component,
    from_groups,
    from_prompts,
    load_direction,
    read_direction,
)
from c2l.editing.directions.adhering import what_is_wanted
from c2l.editing.directions.keeping import without_kept
from c2l.editing.directions.measuring import look, see, smallest
from c2l.editing.directions.texts import answers, as_far_as_shown, is_a_kind, text_difference
from c2l.errors import BadInput, BadWeights, IncompatibleParts
from c2l.testing import ToyEmbedder, ToyGenerator, ToyPrior
from c2l.testing.toy_world import attributes_of


@pytest.fixture(scope="module")
def pipeline() -> c2l.Pipeline:
    return c2l.Pipeline(ToyGenerator(), ToyEmbedder(), ToyPrior(guidance=64))


@pytest.fixture(scope="module")
def direction(pipeline: c2l.Pipeline) -> Direction:
    return from_prompts(pipeline, "shape1", "shape2", num=24)


def test_the_second_prompt_is_what_latents_get(
    pipeline: c2l.Pipeline, direction: Direction
) -> None:
    """Of the shapes, the one that is asked for gains most, and the first one loses most."""
    shapes = direction.step.mean(dim=0)[:4]
    assert shapes.argmax() == 2
    assert shapes[2] > 0 > shapes[1]
    others = direction.step.mean(dim=0)[4:18]
    assert others.abs().max() < shapes[2]


def test_strength_1_is_as_much_as_is_usually_seen(
    pipeline: c2l.Pipeline, direction: Direction
) -> None:
    seen, wanted = direction.card.measures["seen"], direction.card.measures["wanted"]
    assert seen == pytest.approx(wanted, rel=0.15)


def test_the_strength_does_not_depend_on_how_long_the_numbers_were(pipeline: c2l.Pipeline) -> None:
    """Groups that differ by a long way and by a short one move what is seen equally far."""
    latents = pipeline.generator.sample_latents(range(64))
    shape = attributes_of(latents)["shape"]
    one = from_groups(pipeline, latents[shape == 1], latents[shape == 2])
    moved = one.apply(latents[shape == 1])
    unit = normalize(see(pipeline, moved), dim=1).mean(dim=0)
    ends = [normalize(see(pipeline, latents[shape == s]), dim=1).mean(dim=0) for s in (1, 2)]
    axis = ends[1] - ends[0]
    assert float((unit - ends[0]) @ axis / axis.square().sum()) == pytest.approx(1, abs=0.15)


def test_what_is_kept_is_taken_out(pipeline: c2l.Pipeline, direction: Direction) -> None:
    kept = from_prompts(pipeline, "shape1", "shape2 colour0", num=24, keep=["colour0"])
    plain = from_prompts(pipeline, "shape1", "shape2 colour0", num=24)
    assert abs(float(kept.step.mean(dim=0)[4])) < 0.5 * abs(float(plain.step.mean(dim=0)[4]))
    assert kept.card.made["keep"] == ["colour0"]


def test_keeping_what_changes_leaves_nothing(pipeline: c2l.Pipeline) -> None:
    space = pipeline.generator.latent_space
    difference = text_difference(pipeline, None, "shape2")
    pictures = pipeline.generator.sample_latents(range(8)).expand(-1, space.num_layers, -1)
    move = answers(pipeline, see(pipeline, pictures), difference).mean(dim=0)
    pool = look(pipeline, pictures)
    with pytest.raises(BadInput, match="'x' changes just what should stay"):
        without_kept(pipeline, move, ["shape2"], pool, "x", seed=0)


def test_two_texts_that_are_read_alike_make_no_direction(pipeline: c2l.Pipeline) -> None:
    with pytest.raises(BadInput, match="their embeddings are 0 apart"):
        from_prompts(pipeline, "shape1", "shape1")


def test_groups_that_look_alike_make_no_direction(pipeline: c2l.Pipeline) -> None:
    latents = pipeline.generator.sample_latents(range(8))
    with pytest.raises(BadInput, match=r"changes next to nothing: what is seen moves by 0\.000"):
        from_groups(pipeline, latents, latents)
    with pytest.raises(BadInput, match="no pictures"):
        from_groups(pipeline, latents, latents[:0])


def test_components_are_orthogonal_and_the_first_varies_most(pipeline: c2l.Pipeline) -> None:
    first, second = (from_component(pipeline, i, num=512).step for i in (0, 1))
    assert abs(float(torch.cosine_similarity(first, second))) < 1e-3
    latents = pipeline.generator.sample_latents(range(512)).flatten(1)
    spreads = [(latents @ normalize(step, dim=1)[0]).std() for step in (first, second)]
    assert spreads[0] >= spreads[1]
    with pytest.raises(BadInput, match="component 22 is not one of the 22"):
        from_component(pipeline, 22, num=512)


def test_a_direction_moves_as_its_operation_does(
    pipeline: c2l.Pipeline, direction: Direction
) -> None:
    base = GivenLatents.of(pipeline.generator.sample_latents([3])[0])
    moved = latents_of(pipeline, direction.of(base, -0.5))
    plain = latents_of(pipeline, base)
    torch.testing.assert_close(moved, direction.apply(plain, -0.5))


def test_gradients_pass_a_direction(direction: Direction) -> None:
    latents = torch.zeros(1, 1, direction.step.shape[1], requires_grad=True)
    direction.apply(latents).sum().backward()  # type: ignore[no-untyped-call]
    assert latents.grad is not None
    with pytest.raises(BadInput, match="moves latents"):
        direction.apply(torch.zeros(1, 1, 3))


def test_codes_of_groups_are_repeated_over_the_layers(direction: Direction) -> None:
    step = torch.arange(2.0)[:, None].expand(-1, 3)
    card = dataclasses.replace(direction.card, repeats=(1, 4))
    moved = Direction(step, card).apply(torch.zeros(1, 5, 3))
    assert moved[0, :, 0].tolist() == [0, 1, 1, 1, 1]


def test_a_file_holds_all_of_it(
    pipeline: c2l.Pipeline, direction: Direction, tmp_path: Path
) -> None:
    path = direction.save(tmp_path / "shape.safetensors")
    again = load_direction(path, pipeline.generator)
    assert torch.equal(again.step, direction.step)
    assert again.card == direction.card
    with pytest.raises(IncompatibleParts, match="not of toy:generator"):
        load_direction(path, ToyGenerator(salt=1))


@pytest.mark.parametrize("content", [b"", b"x" * 100, None])
def test_other_files_are_no_directions(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadWeights):
        read_direction(path)
    with pytest.raises(BadWeights, match="is a folder"):
        read_direction(tmp_path)


def test_a_picture_adheres_by_the_smallest_move(pipeline: c2l.Pipeline) -> None:
    space = pipeline.generator.latent_space
    latents = pipeline.generator.sample_latents(range(40))
    without = latents[attributes_of(latents)["shape"] == 1][:4]
    layers = without.expand(-1, space.num_layers, -1)
    found = adhere(pipeline, layers, "shape2")
    assert all(one.after > one.before for one in found)
    # What shows it as clearly already stays as it is.
    text = pipeline.embedder.embed_text(["shape2"])
    shown = space.expand(pipeline.prior.sample(text.expand(16, -1), seeds=range(16)))
    clear = [one for one in adhere(pipeline, shown, "shape2") if one.before >= one.typical]
    assert clear and all(one.after == one.before for one in clear)
    assert not any(one.direction.step.any() for one in clear)


def test_what_is_wanted_is_told_from_the_start_and_from_any_other(
    pipeline: c2l.Pipeline,
) -> None:
    alone = what_is_wanted(pipeline, "shape2", None, 1.0)
    both = what_is_wanted(pipeline, "shape2", "shape1", 1.0)
    assert (len(alone.axes), len(both.axes)) == (1, 2)
    torch.testing.assert_close(both.axes[1], alone.axes[0])
    torch.testing.assert_close(both.typical[1], alone.typical[0])


def test_the_smallest_strength_is_found() -> None:
    strength, seen = smallest(lambda s: s**2, 2.0)
    assert 2.0 <= seen <= 2.2
    assert strength == pytest.approx(seen**0.5)
    assert smallest(lambda s: s, 1.0) == (1.0, 1.0)  # just far enough is far enough
    # Where nothing moves far enough, no further than helps.
    strength, seen = smallest(lambda s: min(s, 1.2), 9.0)
    assert strength <= 1.3 and seen == pytest.approx(1.2, rel=0.06)
    assert smallest(lambda s: -s, 1.0) == (0.0, 0.0)


def test_progress_ends_where_it_said(pipeline: c2l.Pipeline) -> None:
    steps: list[tuple[int, int]] = []
    from_prompts(pipeline, "shape1", "shape2", num=8, on_progress=lambda *s: steps.append(s))
    done, totals = zip(*steps, strict=True)
    assert list(done) == sorted(done) and done[-1] == totals[0]
    assert len(set(totals)) == 1 and len(steps) > 3


def test_what_is_not_shown_is_not_taken_away(pipeline: c2l.Pipeline) -> None:
    """A picture of ``start`` moves by the difference of the texts; any other only towards ``end``,
    in all that ``end`` does not share with ``start``."""
    embed = pipeline.embedder.embed_text
    start, end = normalize(embed(["shape1", "shape2"]), dim=1)
    like, other = embed(["shape1"]), embed(["shape3"])
    moves = as_far_as_shown(
        pipeline, "shape1", "shape2", torch.cat([like, other]), typical=like, usual=other
    )
    torch.testing.assert_close(moves[0], end - start, atol=1e-4, rtol=1e-4)
    assert moves[1].norm() < moves[0].norm()
    assert normalize(moves[1], dim=0) @ start > normalize(moves[0], dim=0) @ start


def test_what_every_picture_shows_is_no_kind(pipeline: c2l.Pipeline) -> None:
    """To leave it where it is shown would leave nothing but chance."""
    like = pipeline.embedder.embed_text(["shape1"]).expand(8, -1)
    any_shape = pipeline.embedder.embed_text([f"shape{i}" for i in range(4)])
    assert is_a_kind(pipeline, "shape1", "shape2", typical=like, usual=any_shape)
    assert not is_a_kind(pipeline, "shape1", "shape2", typical=any_shape, usual=any_shape)
