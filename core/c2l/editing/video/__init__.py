"""Videos: frames to mp4, webm, webp or gif, one after the other, and the order to show them in."""

from c2l.editing.video.edit_video import write_edit
from c2l.editing.video.playhead import Easing, places
from c2l.editing.video.sound import Sound, read_sound
from c2l.editing.video.writing import Video, VideoInterrupted, write_video

__all__ = [
    "Easing",
    "Sound",
    "Video",
    "VideoInterrupted",
    "places",
    "read_sound",
    "write_edit",
    "write_video",
]
