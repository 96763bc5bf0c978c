"""Records of pictures: read, upgraded, and refused when they cannot be drawn."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from c2l.errors import BadPicture
from c2l.images import write_png
from c2l.sampling.record import read_record, request_of, upgraded
from c2l.service import Session, read_request

OLD = sorted((Path(__file__).parents[2] / "data" / "c2l-1").glob("*.png"))


@pytest.fixture(scope="module")
def session() -> Session:
    return Session()


def test_there_are_ten() -> None:
    assert len(OLD) == 10


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
def test_pictures_of_the_first_schema_are_drawn_again(path: Path, session: Session) -> None:
    """On the processor that drew them every pixel is the same; others round differently."""
    (picture,) = session.draw(read_request(path))
    drawn, kept = (np.asarray(i.convert("RGB"), int) for i in (picture.pil(), Image.open(path)))
    assert abs(drawn - kept).max() <= 1
    # Gradient descent makes more of a rounding.
    assert (drawn != kept).mean() < (0.2 if "optimise" in picture.record else 0.01)
    assert picture.record["schema"] == "c2l/2"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"also": ["a woman:0.5", "a kid"]}, {"prompt": {"a man": 1, "a woman": 0.5, "a kid": 1}}),
        ({"also": ["a man:0.5"]}, {"prompt": {"a man": 0.5}}),  # the first schema's own reading
        ({"also": ["at 12:30"]}, {"prompt": {"a man": 1, "at 12": 30}}),
        ({"negative": "beard, hat"}, {"negative": {"beard, hat": 1}, "negative_by": "guidance"}),
        ({"negative": "hat", "guidance": 1.0}, {"guidance": 1.0}),
        ({"negative": "", "guidance": None, "truncation": 0.5}, {"truncation": 0.5}),
        ({"best_of": 16, "rank_by": "student", "optimise": 3}, {"optimise": 3}),
    ],
)
def test_the_first_schema_keeps_its_meaning(old: dict[str, Any], new: dict[str, Any]) -> None:
    record = {"schema": "c2l/1", "prompt": "a man", "seed": 3, "recipe": "", "settings": old}
    expected = {"schema": "c2l/2", "prompt": "a man", "seed": 3, **new}
    assert upgraded(record, "x.png") == expected
    request_of(expected, "x.png")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seed": "seven"}, "edited: 'seven'|edited: `seed"),
        ({"seed": -1}, "edited"),
        ({"guidance": "much"}, "edited: `guidance='much'`"),
        ({"prompt": ""}, "edited: the prompt is empty"),
        ({"prompt": None, "seed": 1}, "edited: there is nothing to draw"),
        ({"prompt": 7}, "edited"),
        ({"colour": "red"}, "edited: `colour`"),
        ({"recipe": ["a"]}, "edited: `recipe"),
        ({"latents": {"op": "given", "shape": [1, 2], "data": "@"}}, "edited"),
        ({"schema": "c2l/3"}, r"newer version of c2l \(c2l/3\)"),
        ({"schema": 5}, "has no schema"),
        ({"grid": ["a man"]}, "is a grid"),
        ({"schema": "c2l/1", "settings": ["a"]}, "edited"),
        ({"schema": "c2l/1", "settings": {"also": 3}}, "edited"),
        ({"schema": "c2l/1", "settings": {"also": [3]}}, "edited"),
    ],
)
def test_what_was_edited_or_is_newer(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    record = {"schema": "c2l/2", "prompt": "a man", "seed": 1, **changes}
    write_png(tmp_path / "x.png", Image.new("RGB", (2, 2)), record)
    with pytest.raises(BadPicture, match=says) as caught:
        request_of(read_record(tmp_path / "x.png"), "x.png")
    assert caught.value.hint and "\n" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
KEYS = st.sampled_from(["schema", "prompt", "seed", "settings", "negative", "latents", "recipe"])


@given(st.dictionaries(KEYS | st.text(max_size=5), JSON | st.sampled_from(["c2l/1", "c2l/2"])))
def test_any_record_is_drawn_or_refused(record: dict[str, Any]) -> None:
    with contextlib.suppress(BadPicture):
        request_of(upgraded(json.loads(json.dumps(record)), "x.png"), "x.png")
