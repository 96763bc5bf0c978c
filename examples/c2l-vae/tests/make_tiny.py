"""Makes ``data/tiny``, a small random autoencoder, by diffusers itself: ``python make_tiny.py``.

Beside the model, ``golden.safetensors`` holds latents and what diffusers draws of them.
"""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file

TINY = Path(__file__).parent / "data" / "tiny"

torch.manual_seed(0)
model = AutoencoderKL(
    block_out_channels=(4, 8, 12),
    down_block_types=("DownEncoderBlock2D",) * 3,
    up_block_types=("UpDecoderBlock2D",) * 3,
    layers_per_block=1,
    norm_num_groups=4,
    latent_channels=4,
    sample_size=32,
    scaling_factor=0.5,
).eval()
with torch.no_grad():
    for parameter in model.parameters():  # as they are initialised, pictures would be nearly grey
        parameter.add_(0.2 * torch.randn_like(parameter))
    z = torch.randn(3, 4, 8, 8)
    images = model.decode(z / model.config.scaling_factor).sample
model.save_pretrained(TINY)
save_file({"z": z, "images": images.contiguous()}, TINY / "golden.safetensors")
