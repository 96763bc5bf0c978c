"""GIF and animated WebP, a frame at a time.

Pillow encodes each frame as a file of its own; its data is moved into the animation. Pillow's own
writers of animations would keep all frames until the last one is there.
"""

from __future__ import annotations

import io
import struct
from fractions import Fraction

from PIL import Image, features

from c2l.editing.video.roomy_file import RoomyFile
from c2l.errors import BadInput, MissingDependency

QUALITY = 90
"""Of WebP, as Pillow counts it."""

_FASTEST_GIF = 50
"""Frames a second. What browsers find faster, they show at 10."""

_COLOURS = 256


class Gif:
    """A GIF that repeats forever; each frame has its own 256 colours."""

    def __init__(self, file: RoomyFile, fps: Fraction, size: tuple[int, int]) -> None:
        if fps > _FASTEST_GIF:
            raise BadInput(
                f"a GIF cannot show {float(fps):g} frames a second",
                hint=f"Use `fps={_FASTEST_GIF}` or less, or a .webp",
                field="fps",
            )
        self._file = file
        self._fps = fps
        self._num = 0
        # Size, no common colours; then the extension by which everybody repeats.
        file.write(b"GIF89a" + struct.pack("<HHBBB", *size, 0, 0, 0))
        file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")

    def add(self, image: Image.Image) -> None:
        colours, data = _gif_parts(image)
        # Counted from the start, so that hundredths of a second do not add up to another rate.
        shown = (self._hundredths(self._num + 1) - self._hundredths(self._num)) & 0xFFFF
        self._num += 1
        control = b"\x21\xf9\x04" + struct.pack("<BHBB", 0, shown, 0, 0)
        place = b"\x2c" + struct.pack("<HHHHB", 0, 0, *image.size, 0x87)
        self._file.write(control + place + colours + data)

    def _hundredths(self, num: int) -> int:
        return round(Fraction(100 * num) / self._fps)

    def close(self) -> None:
        self._file.write(b"\x3b")


def _gif_parts(image: Image.Image) -> tuple[bytes, bytes]:
    """256 colours, and the compressed pixels of an image."""
    reduced = image.quantize(_COLOURS, dither=Image.Dither.FLOYDSTEINBERG)
    buffer = io.BytesIO()
    reduced.save(buffer, format="GIF", optimize=False, interlace=False)
    whole = buffer.getvalue()
    flags = whole[10]
    num_bytes = 3 << ((flags & 7) + 1) if flags & 0x80 else 0
    colours, at = whole[13 : 13 + num_bytes], 13 + num_bytes
    while whole[at] == 0x21:  # extensions: blocks of a length each, the last one empty
        at += 2
        while whole[at]:
            at += whole[at] + 1
        at += 1
    flags = whole[at + 9]
    at += 10
    if flags & 0x80:
        num_bytes = 3 << ((flags & 7) + 1)
        colours, at = whole[at : at + num_bytes], at + num_bytes
    return colours.ljust(3 * _COLOURS, b"\0"), whole[at:-1]


class WebP:
    """An animated WebP that repeats forever."""

    def __init__(self, file: RoomyFile, fps: Fraction, size: tuple[int, int]) -> None:
        if not features.check("webp"):
            raise MissingDependency(
                "this build of Pillow has no WebP",
                hint="Write a .gif, or install Pillow as it is on PyPI",
                field="out",
            )
        self._file = file
        self._fps = fps
        self._size = size
        self._num = 0
        self._write_head(0)

    def _write_head(self, length: int) -> None:
        """The head; the length of the file is known at its end."""
        sizes = b"".join(_three_bytes(side - 1) for side in self._size)
        canvas = _chunk(b"VP8X", b"\x02\0\0\0" + sizes)
        repeats = _chunk(b"ANIM", b"\xff\xff\xff\xff" + b"\0\0")
        self._file.write(b"RIFF" + struct.pack("<I", length) + b"WEBP" + canvas + repeats)

    def add(self, image: Image.Image) -> None:
        buffer = io.BytesIO()
        image.save(buffer, format="WEBP", quality=QUALITY, method=4)
        shown = self._milliseconds(self._num + 1) - self._milliseconds(self._num)
        self._num += 1
        sides = [_three_bytes(side - 1) for side in image.size]
        place = b"".join([_three_bytes(0), _three_bytes(0), *sides, _three_bytes(shown)])
        pixels = buffer.getvalue()[12:]  # the chunks of the file, without its head
        self._file.write(_chunk(b"ANMF", place + b"\x02" + pixels))

    def _milliseconds(self, num: int) -> int:
        return round(Fraction(1000 * num) / self._fps)

    def close(self) -> None:
        length = self._file.tell() - 8
        self._file.seek(0)
        self._write_head(length)


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _three_bytes(number: int) -> bytes:
    return struct.pack("<I", number)[:3]
