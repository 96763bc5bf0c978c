"""Long videos: whether memory grows with the number of frames, and whether a browser plays them.

    OMP_NUM_THREADS=1 python benchmarks/video.py > benchmarks/video.md

Walks between three prompts of the demo are drawn into an mp4, each in a process of its own, whose
peak of memory is printed. Then Chromium, by Playwright, plays the longest one to its end.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import multiprocessing
import resource
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import torch

import c2l

PROMPTS = ["a man with a beard", "a young blonde woman", "a kid with a red cap"]

PLAY = """async () => {
    const video = document.createElement("video");
    video.muted = true;
    video.src = "/walk.mp4";
    document.body.append(video);
    const ended = new Promise((resolve, reject) => {
        video.onended = resolve;
        video.onerror = () => reject(video.error.message);
    });
    video.playbackRate = 4;
    await video.play();
    await ended;
    const quality = video.getVideoPlaybackQuality();
    return {
        width: video.videoWidth, height: video.videoHeight, seconds: video.duration,
        frames: quality.totalVideoFrames, at: video.currentTime,
    };
}"""


def drawn(path: Path, frames: int) -> tuple[float, float]:
    """The peak of this process's memory in megabytes, and seconds."""
    torch.set_num_threads(1)
    pipeline = c2l.load_pipeline("demo-faces", device="cpu")
    begun = time.perf_counter()
    pipeline.walk(PROMPTS, frames=frames, seed=3).video(path, fps=30)
    seconds = time.perf_counter() - begun
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, seconds


def played(folder: Path) -> dict[str, Any]:
    """What Chromium says after it has played ``walk.mp4`` to its end."""
    from playwright.sync_api import sync_playwright

    handler = functools.partial(Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as started:
            path = shutil.which("chromium") or shutil.which("google-chrome")
            browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
            said: dict[str, Any] = page.evaluate(PLAY)
            said["browser"] = browser.version
            browser.close()
        server.shutdown()
    return said


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=[60, 600, 2400])
    options = parser.parse_args()
    print("# Long videos\n\n    OMP_NUM_THREADS=1 python benchmarks/video.py\n")
    print("Walks of frames of 128 px, into an mp4. Each process holds torch and three networks.\n")
    print("| frames | peak of memory, MB | seconds |\n| --- | --- | --- |")
    fresh = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "walk.mp4"
        for frames in sorted(options.frames):
            with fresh.Pool(1) as pool:
                megabytes, seconds = pool.apply(drawn, (path, frames))
            print(f"| {frames} | {megabytes:.0f} | {seconds:.0f} |", flush=True)
        said = played(Path(folder))
    print(
        f"\nChromium {said['browser']} plays it to its end: {said['width']} x {said['height']}, "
        f"{said['seconds']:.2f} s, {said['frames']} frames at four times the speed."
    )


if __name__ == "__main__":
    main()
