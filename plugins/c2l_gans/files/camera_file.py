"""A camera in a TOML beside the weights, named after them: ``ffhq512-128.pkl.toml``."""

from __future__ import annotations

import tomllib
from pathlib import Path

from c2l.errors import BadInput
from c2l_gans.networks.camera import Camera


def read_camera(path: Path, usual: Camera) -> Camera:
    """``usual``, with what the TOML says of it, if there is one.

    Raises:
        BadInput: the TOML cannot be read, or says what no camera has.
    """
    file = path.with_name(path.name + ".toml")
    try:
        return usual.moved(tomllib.loads(file.read_bytes().decode("utf-8-sig")))
    except FileNotFoundError:
        return usual
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(
            f"cannot read {file}: {reason}", hint="docs/files.md has an example"
        ) from error
