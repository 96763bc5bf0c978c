"""Frames never queue: a viewer gets the newest, or waits for it."""

from __future__ import annotations

import asyncio
import threading

from c2l.web.live.newest import Newest


def test_a_slow_viewer_skips() -> None:
    async def watch() -> None:
        newest = Newest()
        newest.put(b"one", 0)
        frame = await newest.after(0)
        assert frame is not None and (frame.number, frame.jpeg) == (1, b"one")
        for message in range(50):
            newest.put(b"later", message)
        frame = await newest.after(frame.number)
        assert frame is not None and (frame.number, frame.message) == (51, 49)

    asyncio.run(watch())


def test_viewers_wait_for_a_frame_from_another_thread() -> None:
    async def watch() -> None:
        newest = Newest()
        viewers = [asyncio.create_task(newest.after(0)) for _ in range(20)]
        await asyncio.sleep(0)
        threading.Thread(target=newest.put, args=(b"one", 3)).start()
        frames = await asyncio.gather(*viewers)
        assert {frame and frame.jpeg for frame in frames} == {b"one"}
        assert not newest._waiting

    asyncio.run(watch())


def test_a_still_frame_is_given_again_after_a_while() -> None:
    async def watch() -> None:
        newest = Newest()
        newest.put(b"one", 0)
        frame = await newest.after(1, 0.01)
        assert frame is not None and frame.number == 1
        assert not newest._waiting

    asyncio.run(watch())


def test_viewers_that_leave_are_forgotten() -> None:
    async def watch() -> None:
        newest = Newest()
        viewer = asyncio.create_task(newest.after(0))
        await asyncio.sleep(0)
        viewer.cancel()
        await asyncio.gather(viewer, return_exceptions=True)
        assert not newest._waiting
        newest.put(b"one", 0)

    asyncio.run(watch())


def test_the_end_lets_all_viewers_go() -> None:
    async def watch() -> None:
        newest = Newest()
        waiting = asyncio.create_task(newest.after(0))
        await asyncio.sleep(0)
        newest.close()
        assert await waiting is None and await newest.after(0) is None

    asyncio.run(watch())
