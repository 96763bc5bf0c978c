"""A long video: whether memory stays flat while it is drawn, and whether a browser plays it.

    OMP_NUM_THREADS=1 python benchmarks/video.py > benchmarks/video.md

A walk of 600 frames between three prompts of the demo is drawn into an mp4. Memory is that of this
process, read while frames are written. Then Chromium, by Playwright, plays the file to its end.
"""

from __future__ import annotations

import argparse
import functools
import http.server
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


def resident() -> float:
    """Megabytes of memory that this process holds."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status names no VmRSS")


def drawn(path: Path, frames: int) -> tuple[dict[int, float], float]:
    """Memory by the number of frames that are written, and seconds in all."""
    pipeline = c2l.load_pipeline("demo-faces", device="cpu")
    walk = pipeline.walk(PROMPTS, frames=frames, seed=3)
    marks = {round(frames * share) for share in (0.1, 0.25, 0.5, 0.75, 1)}
    held: dict[int, float] = {}

    def look(done: int, total: int) -> None:
        for mark in sorted(marks - held.keys()):
            if done >= mark:
                held[mark] = resident()

    begun = time.perf_counter()
    walk.video(path, fps=30, on_frame=look)
    return held, time.perf_counter() - begun


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
    parser.add_argument("--frames", type=int, default=600)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "walk.mp4"
        held, seconds = drawn(path, options.frames)
        said = played(Path(folder))
        size = path.stat().st_size
    print("# A long video\n\n    OMP_NUM_THREADS=1 python benchmarks/video.py\n")
    print(f"A walk of {options.frames} frames of 128 px into an mp4 of {size / 1e6:.1f} MB, in")
    print(f"{seconds:.0f} s. Memory of the process, which holds torch and three networks:\n")
    print("| frames written | memory, MB |\n| --- | --- |")
    for frames, megabytes in held.items():
        print(f"| {frames} | {megabytes:.0f} |")
    print(
        f"\nChromium {said['browser']} plays it to its end: {said['width']} x {said['height']}, "
        f"{said['seconds']:.2f} s, {said['frames']} frames at four times the speed."
    )


if __name__ == "__main__":
    main()
