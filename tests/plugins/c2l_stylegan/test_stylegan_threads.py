"""Work divided among threads: the same pictures with any number, and nothing left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from c2l_stylegan import stylegan2_strips, threads
from c2l_stylegan.generator import StyleGAN
from c2l_stylegan.settings import Settings, StyleGAN2Settings, StyleGAN3Settings
from c2l_stylegan.threads import Band, in_bands, side_by_side, stages


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before, alive = torch.get_num_threads(), threading.active_count()
    torch.set_num_threads(3)
    yield
    assert torch.get_num_threads() == 3
    assert threading.active_count() == alive
    torch.set_num_threads(before)


SIZES: dict[str, Any] = {"z_dim": 16, "c_dim": 0, "w_dim": 16, "img_channels": 3}
FAMILIES: dict[str, Settings] = {
    "2": StyleGAN2Settings(**SIZES, img_resolution=32, channel_max=128),
    "3-t": StyleGAN3Settings(**SIZES, img_resolution=16, channel_max=8),
    "3-r": StyleGAN3Settings(
        **SIZES, img_resolution=16, channel_max=8, conv_kernel=1, use_radial_filters=True
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("batch", [0, 1, 2, 5])
@pytest.mark.parametrize("inference", [False, True])
def test_images_are_the_same(
    family: str, batch: int, inference: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stylegan2_strips, "_BYTES", 1 << 14)
    made = StyleGAN.initialised(FAMILIES[family]).eval().requires_grad_(False)
    ws = torch.randn(batch, made.num_ws, 16, generator=torch.Generator().manual_seed(2))
    drawn = []
    with torch.inference_mode(inference):
        for num in (1, 2, 3, 16):
            torch.set_num_threads(num)
            drawn.append(made.synthesis(ws, noise="random"))
            assert torch.get_num_threads() == num
    torch.set_num_threads(3)
    for images in drawn[1:]:
        assert images.is_inference() == inference
        torch.testing.assert_close(images, drawn[0], rtol=0, atol=2e-5)


def test_side_by_side_is_at_once_and_in_order() -> None:
    together = threading.Barrier(3)

    def work(item: int) -> int:
        together.wait(timeout=20)
        assert torch.get_num_threads() == 1 and not torch.is_grad_enabled()
        return item * 10

    assert side_by_side(work, [1, 2, 3]) == [10, 20, 30]
    assert side_by_side(lambda item: torch.get_num_threads(), [1]) == [3]
    assert side_by_side(work, []) == []


def test_threads_are_shared_evenly() -> None:
    torch.set_num_threads(8)
    assert side_by_side(lambda item: torch.get_num_threads(), [1, 2, 3]) == [2, 2, 2]
    torch.set_num_threads(3)


def test_threads_of_others_begin_as_before() -> None:
    side_by_side(lambda item: item, [1, 2, 3])
    found: list[int] = []
    other = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert found == [3]


def test_one_fault_is_raised_and_nobody_waits_for_the_rest() -> None:
    def work(item: int) -> None:
        if item == 0:
            raise ValueError("broken")
        time.sleep(0.05)

    begin = time.monotonic()
    with pytest.raises(ValueError, match="broken"):
        side_by_side(work, range(10_000))
    assert time.monotonic() - begin < 60


@settings(deadline=None, max_examples=50)
@given(
    images=st.integers(0, 4),
    height=st.integers(1, 40),
    multiple=st.integers(1, 5),
    num=st.integers(1, 5),
)
def test_bands_hold_every_row_once(images: int, height: int, multiple: int, num: int) -> None:
    torch.set_num_threads(num)
    seen: list[Band] = []
    in_bands(seen.append, images, height, multiple=multiple)
    torch.set_num_threads(3)
    rows = sorted((band.image, row) for band in seen for row in band.rows)
    assert rows == [(image, row) for image in range(images) for row in range(height)]
    assert all(band.rows.start % multiple == 0 for band in seen)
    assert {band.worker for band in seen} <= set(range(num))
    if images:
        assert len({band.worker for band in seen}) >= min(num, images)


def test_stages_work_ahead_in_order_but_not_without_bounds() -> None:
    made: list[int] = []

    def numbers() -> Iterator[Tensor]:
        for i in range(100):
            made.append(i)
            yield torch.full((1,), float(i))

    def doubled(items: Iterator[Tensor]) -> Iterator[Tensor]:
        for item in items:
            yield item * 2

    with stages(2) as ahead:
        found = ahead(doubled(ahead(numbers())))
        assert float(next(found)) == 0
        # One is out; each stage holds what may wait, and one that it is about to add.
        most = 1 + 2 * (threads._AHEAD + 1)
        deadline = time.monotonic() + 20
        while len(made) < most and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        assert made == list(range(most))
        assert [float(item) for item in found] == [2.0 * i for i in range(1, 100)]


def test_a_fault_in_a_stage_reaches_the_end() -> None:
    def broken() -> Iterator[Tensor]:
        yield torch.zeros(1)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"), stages(2) as ahead:
        list(ahead(ahead(broken())))


def test_stages_end_when_nobody_asks_any_more() -> None:
    def endless() -> Iterator[Tensor]:
        while True:
            yield torch.zeros(1)

    with pytest.raises(KeyboardInterrupt), stages(2) as ahead:
        for _ in ahead(ahead(endless())):
            raise KeyboardInterrupt
