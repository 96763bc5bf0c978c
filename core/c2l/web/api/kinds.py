"""What can be asked for by its kind: in a job, and on the live socket."""

from __future__ import annotations

from collections.abc import Mapping

from c2l.web.api.asked import Asked
from c2l.web.api.directions import DirectionBody
from c2l.web.api.drawing import SampleBody
from c2l.web.api.editing import AdhereBody, MixBody, MoveBody, VaryBody, WalkBody
from c2l.web.api.latents import SynthesizeBody
from c2l.web.api.photos import InvertBody, LikeBody
from c2l.web.api.videos import VideoBody

LIVE: Mapping[str, type[Asked]] = {
    shape.kind: shape
    for shape in (SampleBody, VaryBody, MixBody, MoveBody, LikeBody, SynthesizeBody)
}
JOBS: Mapping[str, type[Asked]] = {
    **LIVE,
    **{s.kind: s for s in (WalkBody, VideoBody, DirectionBody, AdhereBody, InvertBody)},
}
