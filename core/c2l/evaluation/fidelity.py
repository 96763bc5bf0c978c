"""Inception features, FID and KID, by torch-fidelity: ``pip install 'c2l[eval]'``.

FID (Heusel et al. 2017, arXiv 1706.08500) is biased: it falls as pictures are added. Two values can
be compared only for the same numbers of pictures, the same network and the same resizing, so all of
that is recorded beside them. KID (Binkowski et al. 2018, arXiv 1801.01401) is unbiased.
"""

from __future__ import annotations

import urllib.error
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from c2l.errors import MissingDependency, NotDownloaded

KID_SUBSETS = 100
KID_SUBSET_SIZE = 1000
"""Pictures in each subset; all of them where there are fewer."""


@dataclass
class Inception:
    """The InceptionV3 that FID was defined with, as ported by torch-fidelity.

    Raises:
        MissingDependency: torch-fidelity is not installed.
        NotDownloaded: the weights are missing and cannot be fetched.
    """

    device: torch.device

    def __post_init__(self) -> None:
        try:
            import torch_fidelity
            from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
        except ImportError as error:
            raise MissingDependency(
                f"FID needs torch-fidelity: {error}",
                hint="Install it: pip install 'c2l[eval]', or leave out `fid`",
                field="fid",
            ) from error
        try:
            network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], verbose=False)
        except (urllib.error.URLError, OSError) as error:
            raise NotDownloaded(
                f"cannot fetch the Inception weights for FID: {error}",
                hint=f"Save {_address()} in {_folder()}, or leave out `fid`",
                field="fid",
            ) from error
        self.version: str = torch_fidelity.__version__
        self.network = network.to(self.device)

    def __call__(self, images: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) in [-1, 1] to features (B, 2048)."""
        pixels = (images * 127.5 + 128).clamp(0, 255).to(torch.uint8)
        features: Tensor = self.network(pixels.to(self.device))[0]
        return features

    def settings(self) -> dict[str, Any]:
        """What FID and KID depend on besides the pictures."""
        return {
            "backend": f"torch-fidelity {self.version}",
            "network": "inception-v3-compat, pool 2048",
            "resize": "bilinear to 299 x 299 as TensorFlow 1, of 8 bit pictures",
            "kid_subsets": KID_SUBSETS,
            "kid_subset_size": KID_SUBSET_SIZE,
        }


def fid_and_kid(pictures: Tensor, reference: Tensor) -> tuple[float, float]:
    """FID, and KID times 1000 as the mean over random subsets.

    Args:
        pictures, reference: features, (B, 2048) and (M, 2048).
    """
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric

    statistics = [fid_features_to_statistics(x.double()) for x in (pictures, reference)]
    fid = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    kid = kid_features_to_metric(
        pictures.double(),
        reference.double(),
        kid_subsets=KID_SUBSETS,
        kid_subset_size=min(KID_SUBSET_SIZE, len(pictures), len(reference)),
        verbose=False,
    )
    return float(fid), 1000 * float(kid["kernel_inception_distance_mean"])


def _address() -> str:
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    return str(URL_INCEPTION_V3)


def _folder() -> str:
    return f"{torch.hub.get_dir()}/checkpoints"
