"""Work divided among threads: the same images with any number, and nothing others could notice."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from c2l import threads as openmp
from c2l_stylegan.cpu import threads
from c2l_stylegan.cpu.threads import (
    RowBlock,
    for_each_row_block,
    num_workers,
    parallel_map,
)
from c2l_stylegan.generator import StyleGAN
from c2l_stylegan.networks import stylegan2_strips
from c2l_stylegan.networks.settings import Settings, StyleGAN2Settings, StyleGAN3Settings

needs_limits = pytest.mark.skipif(
    not openmp.can_limit_a_thread(), reason="this build of torch cannot limit one thread alone"
)


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before, alive = torch.get_num_threads(), threading.active_count()
    torch.set_num_threads(3)
    yield
    assert torch.get_num_threads() == 3
    assert in_new_thread(torch.get_num_threads) == 3
    assert threading.active_count() == alive
    torch.set_num_threads(before)


@pytest.fixture
def no_limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on Windows, where no thread can be limited alone."""
    openmp.can_limit_a_thread.cache_clear()
    monkeypatch.setattr(openmp, "_setters", tuple)
    yield
    openmp.can_limit_a_thread.cache_clear()


def in_new_thread(ask: Callable[[], Any]) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(ask()))
    thread.start()
    thread.join()
    return found[0]


def all_num_threads() -> set[int]:
    """What torch, OpenMP and MKL say that this thread computes with."""
    told = torch.__config__.parallel_info()
    names = r"at::get_num_threads|omp_get_max_threads|mkl_get_max_threads"
    return {int(num) for num in re.findall(rf"(?:{names})\(\) : (\d+)", told)}


SIZES: dict[str, Any] = {"z_dim": 16, "c_dim": 0, "w_dim": 16, "img_channels": 3}
FAMILIES: dict[str, Settings] = {
    "2": StyleGAN2Settings(**SIZES, img_resolution=32, channel_max=128),
    "3-t": StyleGAN3Settings(**SIZES, img_resolution=16, channel_max=8),
    "3-r": StyleGAN3Settings(
        **SIZES, img_resolution=16, channel_max=8, conv_kernel=1, use_radial_filters=True
    ),
}


def network(family: str) -> StyleGAN:
    return StyleGAN.initialised(FAMILIES[family]).eval().requires_grad_(False)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("batch", [0, 1, 2, 5])
@pytest.mark.parametrize("inference", [False, True])
def test_images_are_the_same(
    family: str, batch: int, inference: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stylegan2_strips, "_BYTES", 1 << 14)
    monkeypatch.setattr(stylegan2_strips, "_FEWEST_ROWS", 1)
    made = network(family)
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


@pytest.mark.parametrize("family", FAMILIES)
def test_images_are_the_same_where_no_thread_can_be_limited(family: str, no_limits: None) -> None:
    made = network(family)
    ws = torch.randn(2, made.num_ws, 16, generator=torch.Generator().manual_seed(2))
    images = made.synthesis(ws)
    assert num_workers() == 1
    torch.set_num_threads(1)
    alone = made.synthesis(ws)
    torch.set_num_threads(3)
    torch.testing.assert_close(images, alone, rtol=0, atol=2e-5)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("family", ["2", "3-t"])
def test_threads_that_start_while_others_draw_see_nothing_of_it(
    family: str, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two callers draw, and from each phase of their work threads are started."""
    monkeypatch.setattr(stylegan2_strips, "_BYTES", 1 << 14)
    made = network(family)
    ws = torch.randn(batch, made.num_ws, 16)
    seen: dict[str, list[set[int]]] = {"before": [], "during": [], "after": []}
    drawing, enough = threading.Barrier(3), threading.Event()
    callers: list[int] = []

    def draw() -> None:
        callers.append(torch.get_num_threads())
        drawing.wait(timeout=60)
        while not enough.is_set():
            made.synthesis(ws)
            callers.append(torch.get_num_threads())

    def look(phase: str, seconds: float) -> None:
        seen[phase].append(all_num_threads())
        time.sleep(seconds)  # what was right at first must stay so
        torch.ones(300, 300) @ torch.ones(300, 300)
        seen[phase].append(all_num_threads())

    def start_ten(phase: str, seconds: float = 0.0) -> list[threading.Thread]:
        started = []
        for _ in range(10):
            started.append(threading.Thread(target=look, args=(phase, seconds)))
            started[-1].start()
            time.sleep(seconds / 10)
        return started

    everyone = start_ten("before")
    drawers = [threading.Thread(target=draw) for _ in range(2)]
    for thread in drawers:
        thread.start()
    drawing.wait(timeout=60)
    everyone += start_ten("during", 0.1)
    time.sleep(0.1)
    enough.set()
    for thread in drawers:
        thread.join()
    everyone += start_ten("after")
    for thread in everyone:
        thread.join()
    assert seen == {phase: [{3}] * 20 for phase in seen}
    assert len(callers) >= 4 and set(callers) == {3}
    assert all_num_threads() == {3}


@needs_limits
def test_threads_started_by_the_work_itself_see_nothing_of_it() -> None:
    def work(item: int) -> tuple[set[int], set[int]]:
        return all_num_threads(), in_new_thread(all_num_threads)

    assert parallel_map(work, [1, 2, 3]) == [({1}, {3})] * 3


@needs_limits
def test_each_caller_has_its_own_number() -> None:
    def work(item: int) -> int:
        time.sleep(0.01)
        return torch.get_num_threads()

    def call() -> tuple[list[int], int]:
        openmp.limit_this_thread(6)
        return parallel_map(work, range(3)), torch.get_num_threads()

    assert in_new_thread(call) == ([2, 2, 2], 6)
    assert parallel_map(work, range(3)) == [1, 1, 1]


def test_a_limit_is_this_threads_alone() -> None:
    def limited() -> tuple[set[int], set[int]]:
        openmp.limit_this_thread(2)
        torch.ones(300, 300) @ torch.ones(300, 300)
        return all_num_threads(), in_new_thread(all_num_threads)

    expected = 2 if openmp.can_limit_a_thread() else 3
    assert in_new_thread(limited) == ({expected}, {3})


def test_no_limits_on_a_library_without_the_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    openmp._setters.cache_clear()
    monkeypatch.setattr(openmp.ctypes, "PyDLL", lambda name: object())
    try:
        assert openmp._setters() == ()
    finally:
        openmp._setters.cache_clear()


@needs_limits
def test_parallel_map_is_parallel_and_in_order() -> None:
    together = threading.Barrier(3)

    def work(item: int) -> int:
        together.wait(timeout=20)
        assert torch.get_num_threads() == 1 and not torch.is_grad_enabled()
        return item * 10

    assert parallel_map(work, [1, 2, 3]) == [10, 20, 30]
    assert parallel_map(lambda item: torch.get_num_threads(), [1]) == [3]
    assert parallel_map(work, []) == []


@needs_limits
def test_no_more_threads_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda pid: {0, 5}, raising=False)
    seen = []
    made = network("2")
    monkeypatch.setattr(made.synthesis, "_images", lambda *_: [seen.append(num_workers()) or ws])
    ws = torch.zeros(1, made.num_ws, 16)
    made.synthesis.images(ws)
    assert seen == [2] and torch.get_num_threads() == 3
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    made.synthesis.images(ws)
    assert seen == [2, 3]
    with pytest.raises(KeyboardInterrupt), threads.within_cores():
        raise KeyboardInterrupt


@needs_limits
def test_threads_are_shared_evenly() -> None:
    torch.set_num_threads(8)
    assert parallel_map(lambda item: torch.get_num_threads(), [1, 2, 3]) == [2, 2, 2]
    torch.set_num_threads(3)


def test_one_fault_is_raised_and_nobody_waits_for_the_rest() -> None:
    def work(item: int) -> None:
        if item == 0:
            raise ValueError("broken")
        time.sleep(0.05)

    begin = time.monotonic()
    with pytest.raises(ValueError, match="broken"):
        parallel_map(work, range(10_000))
    assert time.monotonic() - begin < 60


@settings(deadline=None, max_examples=50)
@given(
    images=st.integers(0, 4),
    height=st.integers(1, 40),
    multiple=st.integers(1, 5),
    num=st.integers(1, 5),
)
def test_blocks_hold_every_row_once(images: int, height: int, multiple: int, num: int) -> None:
    torch.set_num_threads(num)
    workers = num_workers()
    seen: list[RowBlock] = []
    for_each_row_block(seen.append, images, height, multiple=multiple)
    torch.set_num_threads(3)
    rows = sorted((block.image, row) for block in seen for row in block.rows)
    assert rows == [(image, row) for image in range(images) for row in range(height)]
    assert all(block.rows.start % multiple == 0 for block in seen)
    assert {block.worker for block in seen} <= set(range(workers))
    if images:
        assert len({block.worker for block in seen}) >= min(workers, images)
