"""Picture files of any origin are read as people see them, and harmless ones alone."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from c2l import photos
from c2l.errors import BadInput, BadPicture
from c2l.photos import photo_of, read_photo

RED, BLUE = (200, 30, 40), (20, 40, 210)


def halves(width: int = 40, height: int = 20) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def near(pixel: object, colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(np.subtract(pixel, colour)).max() < 12)  # type: ignore[call-overload]


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "bmp", "tif", "ppm"])
def test_common_formats(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    halves().save(path)
    photo = read_photo(path)
    assert (photo.image.mode, photo.image.size, photo.name) == ("RGB", (40, 20), path.name)
    assert near(photo.image.getpixel((5, 5)), RED)
    assert near(photo.image.getpixel((35, 5)), BLUE)
    assert photo.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(("orientation", "top_left"), [(1, RED), (3, BLUE), (6, RED), (8, BLUE)])
def test_a_camera_held_sideways(orientation: int, top_left: object, tmp_path: Path) -> None:
    image = halves()
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.jpg", exif=exif, quality=95)
    upright = read_photo(tmp_path / "a.jpg").image
    assert upright.size == ((40, 20) if orientation in (1, 3) else (20, 40))
    assert near(upright.getpixel((3, 3)), top_left)  # type: ignore[arg-type]


def test_what_is_transparent_lies_on_white(tmp_path: Path) -> None:
    image = halves().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    image.save(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png").image.getextrema() == ((255, 255),) * 3
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([10, 20, 30] * 256)
    palette.save(tmp_path / "b.gif", transparency=0)
    assert read_photo(tmp_path / "b.gif").image.getextrema() == ((255, 255),) * 3


def test_sixteen_bits_and_floats(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    read = np.asarray(read_photo(tmp_path / "a.png").image)[..., 0]
    assert np.abs(read - ramp / 257).max() <= 1
    Image.fromarray((ramp / 65535).astype(np.float32)).save(tmp_path / "b.tif")
    read = np.asarray(read_photo(tmp_path / "b.tif").image)[..., 0]
    assert np.abs(read - ramp / 257).max() <= 1
    Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(tmp_path / "c.tif")
    with pytest.raises(BadPicture, match="holds NaN"):
        read_photo(tmp_path / "c.tif")


def test_other_colours(tmp_path: Path) -> None:
    halves().convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    photo = read_photo(tmp_path / "a.jpg").image
    assert (photo.mode, near(photo.getpixel((5, 5)), RED)) == ("RGB", True)
    halves().convert("L").save(tmp_path / "b.png")
    assert read_photo(tmp_path / "b.png").image.mode == "RGB"


def test_of_an_animation_it_is_the_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), RED), Image.new("RGB", (8, 8), BLUE)]
    for name in ("a.gif", "a.webp", "a.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        assert near(read_photo(tmp_path / name).image.getpixel((4, 4)), RED)


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        # With one time for all: the bytes are part of a test's name, which workers must agree on.
        file.writestr(zipfile.ZipInfo("a.png"), b"picture")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zipped(), "a.png is not a picture, but a zip archive"),
        (b"", "a.png is not a picture: it is empty"),
        (b"%PDF-1.7", "not a picture, but a PDF"),
        (b"<svg xmlns='x'/>", "not a picture, but an SVG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not a picture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "not a picture, but HEIC"),
        (b"hello", "is not a picture. Give a PNG, JPEG or WebP"),
    ],
)
def test_what_is_no_picture_is_one_line(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with pytest.raises(BadPicture, match=message) as error:
        read_photo(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "tif", "bmp"])
def test_damaged_files_are_one_line(suffix: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    for _ in range(40):
        broken = bytearray(whole[: rng.integers(1, len(whole))])
        for place in rng.integers(0, len(broken), 4):
            broken[place] = int(rng.integers(0, 256))
        path.write_bytes(broken)
        try:
            read_photo(path)
        except BadPicture as error:
            assert "\n" not in str(error)


def test_bombs_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(data)
    with pytest.raises(BadPicture, match=r"bomb.png is too large"):
        read_photo(tmp_path / "bomb.png")


def test_files_are_not_read_beyond_what_a_picture_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "MOST_BYTES", 100)
    halves().save(tmp_path / "a.bmp")
    with pytest.raises(BadPicture, match="is too large"):
        read_photo(tmp_path / "a.bmp")


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(BadPicture, match="there is no file"):
        read_photo(tmp_path / "a.png")
    with pytest.raises(BadPicture, match="cannot read"):
        read_photo(tmp_path)


def test_large_photos_become_smaller(tmp_path: Path) -> None:
    Image.new("RGB", (photos.MOST_SIDE * 2, 64), RED).save(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png").image.size == (photos.MOST_SIDE, 32)


def test_cropping_keeps_the_middle() -> None:
    fitted = photo_of(halves(100, 20)).fitted((16, 16))
    assert fitted.pixels.shape == (1, 3, 16, 16)
    left, right = fitted.pixels[0, :, 8, 2], fitted.pixels[0, :, 8, 13]
    torch.testing.assert_close(left, torch.tensor(RED) / 127.5 - 1, atol=0.05, rtol=0)
    torch.testing.assert_close(right, torch.tensor(BLUE) / 127.5 - 1, atol=0.05, rtol=0)
    assert fitted[1:] == (0, 16, 0, 16)


@pytest.mark.parametrize("size", [(16, 32), (33, 16), (7, 50)])
def test_padding_keeps_all_of_it(size: tuple[int, int]) -> None:
    fitted = photo_of(halves(60, 20)).fitted(size, "pad")
    assert fitted.pixels.shape[2:] == size
    height, width = fitted.bottom - fitted.top, fitted.right - fitted.left
    assert width == size[1] or height == size[0]
    assert width / height == pytest.approx(3, rel=0.2)
    edge = fitted.pixels[0, :, 0, 0]
    inside = fitted.pixels[..., fitted.top : fitted.bottom, fitted.left : fitted.right]
    torch.testing.assert_close(edge, inside.mean(dim=(0, 2, 3)), atol=1e-4, rtol=0)


def test_pictures_that_are_no_files() -> None:
    pixels = torch.rand(3, 8, 12) * 2 - 1
    photo = photo_of(pixels)
    assert photo.image.size == (12, 8)
    assert photo.sha256 == photo_of(pixels[None]).sha256 == photo_of(photo.image).sha256
    torch.testing.assert_close(photo.fitted((8, 12)).pixels[0], pixels, atol=0.01, rtol=0)


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (3, "an int is not a picture"),
        (torch.zeros(8, 8), "a Tensor is not a picture"),
        (torch.zeros(2, 3, 8, 8), "2 pictures are given, not one"),
        (torch.full((3, 8, 8), torch.nan), "NaN or infinity"),
    ],
)
def test_what_is_no_picture(thing: object, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        photo_of(thing)  # type: ignore[arg-type]


def test_another_fit_is_refused() -> None:
    with pytest.raises(BadInput, match="`fit=stretch` is not one of crop, pad"):
        photo_of(halves()).fitted((8, 8), "stretch")  # type: ignore[arg-type]
