"""NVIDIA's TensorFlow code on today's TensorFlow and a CPU.

It was written for TensorFlow 1 and GPUs. Three things are stood in for: modules that are gone, the
sizes of tensors that once were objects, and convolutions of channels-first images, which a CPU
does not have.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any


def stand_in() -> Any:
    """TensorFlow, as that code imports it; call it before."""
    tf: Any = importlib.import_module("tensorflow").compat.v1
    tf.disable_v2_behavior()
    tf.disable_v2_tensorshape()
    gone = types.ModuleType("tensorflow.contrib")
    for name in ("tensorboard", "tensorboard.plugins", "tensorboard.plugins.custom_scalar"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["tensorboard"].summary = None  # type: ignore[attr-defined]
    sys.modules["tensorboard.plugins.custom_scalar"].layout_pb2 = None  # type: ignore[attr-defined]
    sys.modules["tensorflow"], sys.modules["tensorflow.contrib"] = tf, gone
    for name in ("conv2d", "conv2d_transpose", "depthwise_conv2d"):
        setattr(tf.nn, name, _channels_first(tf, getattr(tf.nn, name)))
    return tf


def _channels_first(tf: Any, function: Any) -> Any:
    def computed(x: Any, weight: Any, *others: Any, **named: Any) -> Any:
        if named.pop("data_format", "NHWC") == "NCHW":
            x = tf.transpose(x, [0, 2, 3, 1])
            order = [0, 2, 3, 1]
            named["strides"] = [named["strides"][i] for i in order]
            others = tuple([shape[i] for i in order] for shape in others)
            y = function(x, weight, *others, **named)
            return tf.transpose(y, [0, 3, 1, 2])
        return function(x, weight, *others, **named)

    return computed
