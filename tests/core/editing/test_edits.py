"""Edits in Python: cheap until they are drawn, and one record however long the chain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import c2l
from c2l.editing import Edit, GivenLatents, Mix, RandomLatents, SampleLatents, Vary
from c2l.errors import BadInput, BadPicture, IncompatibleParts
from c2l.testing import ToyEmbedder, ToyGenerator, ToyPrior, toy_pipeline


class CountingGenerator(ToyGenerator):
    num_drawn = 0

    def synthesize(self, latents: torch.Tensor, **how: Any) -> torch.Tensor:
        self.num_drawn += len(latents)
        return super().synthesize(latents, **how)


def test_nothing_is_drawn_before_it_is_wanted_and_then_once() -> None:
    generator = CountingGenerator()
    pipeline = c2l.Pipeline(generator, ToyEmbedder(), ToyPrior())
    walk = pipeline.walk(["shape1", "shape2"], frames=5)
    edit = pipeline.edit("shape1").vary(0.5, num=3).mix(walk.pipeline.edit(3), layers="0-1")
    assert (
        repr(edit) == "Edit(3 pictures, to be drawn)"
        and repr(walk) == "Walk(5 pictures, to be drawn)"
    )
    assert generator.num_drawn == 0
    assert len(edit.draw()) == 3
    num = generator.num_drawn
    assert edit._repr_html_() and edit.draw() is edit.draw()
    assert generator.num_drawn == num
    assert repr(edit) == "Edit(3 pictures, drawn)"


def test_a_result_and_its_pictures_are_edited() -> None:
    result = toy_pipeline()("shape1", num_images=2, seed=4)
    varied = result.vary(0.3, num=2)
    bases = [SampleLatents(prompt="shape1", seed=seed) for seed in (4, 5)]
    assert [o.base for o in varied.operations] == [bases[0]] * 2 + [bases[1]] * 2  # type: ignore[union-attr]
    assert [o.seed for o in varied.operations] == [5, 6, 6, 7]  # type: ignore[union-attr]
    mixed = result[0].mix(result[1], layers="0-1,4:0.5")
    assert mixed.operations == (
        Mix(base=bases[0], other=bases[1], layers=(0, 1, 4), share=(1, 1, 0.5)),
    )
    both = result.mix(result[0], layers=[2])
    assert [o.base for o in both.operations] == bases  # type: ignore[union-attr]


def test_the_seed_of_a_variation_is_never_too_large() -> None:
    last = SampleLatents(prompt="shape1", seed=2**64 - 1)
    (varied,) = toy_pipeline().edit(last).vary(0.5).operations
    assert isinstance(varied, Vary) and varied.seed == 0


def test_a_chain_of_edits_is_one_record(tmp_path: Path) -> None:
    pipeline = toy_pipeline()
    start = pipeline("shape1", seed=2)[0]
    chain = start.vary(0.4).mix("shape2", layers="3").vary(0.1).mix(7, layers="0:0.5")
    (path,) = chain.save(tmp_path)
    assert path == tmp_path / "edit-varied-mixed-varied-mixed-01.png"
    again = pipeline.edit(path)
    assert again.operations == chain.operations
    torch.testing.assert_close(again.draw().images, chain.draw().images)
    further = chain.draw()[0].vary(0.2).operations
    assert further == chain.vary(0.2).operations


def test_saving_overwrites_nothing(tmp_path: Path) -> None:
    edit = toy_pipeline().edit("shape1").vary(0.5, num=2)
    first, second = edit.save(tmp_path), edit.save(tmp_path)
    assert [p.name for p in first] == ["edit-varied-01.png", "edit-varied-02.png"]
    assert [p.name for p in second] == ["edit-varied-2-01.png", "edit-varied-2-02.png"]


def test_pictures_come_one_after_the_other() -> None:
    edit = toy_pipeline().edit("shape1").vary(0.5, num=3)
    assert isinstance(edit, Edit) and len(edit) == 3
    images = torch.stack([picture.image for picture in edit])
    torch.testing.assert_close(images, edit.draw().images)


def test_latents_seeds_and_operations_are_edited_too() -> None:
    pipeline = toy_pipeline()
    own = pipeline.generator.sample_latents([3])
    edit = pipeline.edit(3, own, own[0], RandomLatents(seed=3))
    images = edit.draw().images
    torch.testing.assert_close(images, images[:1].expand_as(images))


def test_a_picture_that_was_optimised_brings_its_latents(tmp_path: Path) -> None:
    pipeline = toy_pipeline()
    picture = pipeline("shape1", seed=2, optimise=2)[0]
    path = picture.save(tmp_path / "x.png")
    for thing in (picture, path):
        (operation,) = pipeline.edit(thing).operations
        assert isinstance(operation, GivenLatents)
        torch.testing.assert_close(operation.tensor(), picture.latents, atol=1e-5, rtol=0)


def test_truncation_is_that_of_the_pictures() -> None:
    pipeline = toy_pipeline()
    one, other = (pipeline("shape1", truncation=t)[0] for t in (0.5, 0.8))
    assert one.vary(0.1).truncation == 0.5
    with pytest.raises(BadInput, match=r"truncation 0\.5 and 0\.8"):
        pipeline.walk([one, other])
    assert pipeline.walk([one, other], truncation=1).truncation == 1
    assert one.mix(3, layers="0").draw()[0].record["truncation"] == 0.5


def test_a_picture_of_another_generator(tmp_path: Path) -> None:
    pipeline = toy_pipeline()
    other = c2l.Pipeline(ToyGenerator(salt=5), ToyEmbedder(), ToyPrior())
    other.generator.reference = "toy:other"
    picture = other("shape1")[0]
    path = picture.save(tmp_path / "other.png")
    with pytest.raises(
        IncompatibleParts, match=r"other.png was drawn by toy:other.*generator="
    ) as e:
        pipeline.walk([path, "shape1"])
    assert "toy:generator" in e.value.message
    with pytest.raises(IncompatibleParts, match="the picture 'shape1' was drawn by toy:other"):
        pipeline("shape1")[0].mix(picture, layers="0")


def test_a_picture_of_another_prior_brings_its_latents(tmp_path: Path) -> None:
    pipeline = toy_pipeline()
    picture = toy_pipeline(ToyPrior(steps=5))("shape1", seed=3)[0]
    (operation,) = pipeline.edit(picture).operations
    assert isinstance(operation, GivenLatents)
    torch.testing.assert_close(pipeline.edit(picture).draw().images[0], picture.image)
    with pytest.raises(IncompatibleParts, match="samples are others than those of toy:prior"):
        pipeline.edit(picture.save(tmp_path / "x.png"))


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ("0-5", "layer 5 is not one of the 5 layers of toy:generator"),
        ("9", "layer 9"),
        ("3-1", "3-1 runs backwards"),
        ("1:1.5", "1.5 is above 1"),
        ("first", "is not a list of layers"),
        ("", "is not a list of layers"),
        ([7], "layer 7"),
    ],
)
def test_layers_that_do_not_exist(layers: Any, told: str) -> None:
    with pytest.raises(BadInput, match=told) as caught:
        toy_pipeline().edit("shape1").mix("shape2", layers=layers)
    assert caught.value.field == "layers"


def test_a_generator_without_layers() -> None:
    generator = c2l.wrap(
        lambda z: z[:, :3, None, None].expand(-1, 3, 8, 8).tanh(), latent=4, size=(8, 8)
    )
    pipeline = c2l.Pipeline(generator, ToyEmbedder(), ToyPrior())
    with pytest.raises(BadInput, match="has no layers to mix"):
        pipeline.edit(1).mix(2, layers="0")


def test_nothing_to_edit_and_pictures_without_a_pipeline() -> None:
    pipeline = toy_pipeline()
    with pytest.raises(BadInput, match="nothing to edit"):
        pipeline.edit()
    with pytest.raises(BadInput, match="`num=0` is below 1"):
        pipeline.edit("shape1").vary(0.5, num=0)
    with pytest.raises(BadInput, match="`amount=2` is above 1"):
        pipeline.edit("shape1").vary(2)
    with pytest.raises(BadInput, match="`share=-1` is not from 0 to 1"):
        pipeline.edit("shape1").mix("shape2", layers="0", share=-1)


def test_a_file_without_a_record_is_offered_inversion(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    toy_pipeline()("shape1")[0].pil().save(path)
    with pytest.raises(BadPicture, match="c2l edit invert"):
        toy_pipeline().edit(path)
