"""CUDA graphs: the kernels of a call, recorded once and launched again as one.

A small batch keeps a GPU busy for less time than Python takes to launch its kernels, one by one.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

_LARGEST_BATCH = 4
"""Above, the kernels take longer than launching them."""
_MOST_RECORDINGS = 16
"""Of one module; those not used for longest go first."""

M = TypeVar("M", bound=nn.Module)
P = ParamSpec("P")
Key = tuple[Hashable, ...]

_lock = threading.RLock()
_recorded: WeakKeyDictionary[nn.Module, _Recordings] = WeakKeyDictionary()


def replayed(
    compute: Callable[Concatenate[M, P], Tensor],
) -> Callable[Concatenate[M, P], Tensor]:
    """Decorate a method of a module, so that its calls with small batches replay a CUDA graph.

    The method takes tensors, batch first, and hashable values, all by position, and returns one
    tensor. Whatever else it depends on must be a parameter or a buffer. It may neither draw random
    numbers nor read numbers back from the GPU.

    On a CPU, under autograd, and for more than four samples, nothing changes. Else the second call
    with the same shapes is recorded; a method that cannot be recorded is called as it is.
    """

    @functools.wraps(compute)
    def call(self: M, /, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        if kwargs or not _gains(args):
            return compute(self, *args, **kwargs)
        with _lock:
            recordings = _recorded.setdefault(self, _Recordings())
            return recordings.call(compute, self, args)

    return call


def _gains(args: tuple[Any, ...]) -> bool:
    """Whether a graph of this call can be made, and is faster."""
    tensors = [arg for arg in args if isinstance(arg, Tensor)]
    return (
        bool(tensors)
        and all(tensor.is_cuda for tensor in tensors)
        and torch.cuda.is_initialized()  # else they only pretend
        and len(tensors[0]) <= _LARGEST_BATCH
        and not torch.is_grad_enabled()
        and not torch.compiler.is_compiling()
        and not torch.cuda.is_current_stream_capturing()
        # Recordings share their memory: they must run one after the other.
        and torch.cuda.current_stream() == torch.cuda.default_stream()
    )


class _Recordings:
    """What was recorded of one module; None where recording failed."""

    def __init__(self) -> None:
        self.seen: set[Key] = set()
        self.found: OrderedDict[Key, _Recording | None] = OrderedDict()

    def call(self, compute: Callable[..., Tensor], module: nn.Module, args: Any) -> Tensor:
        key: Key = (compute.__qualname__, *map(_key, args))
        recording = self.found.get(key)
        if recording is not None and not recording.is_current():
            del self.found[key]
        if key not in self.found:
            if key not in self.seen:
                self.seen.add(key)
                return compute(module, *args)
            try:
                self.found[key] = _Recording(compute, module, args)
            except RuntimeError:  # of whatever kind: the plain call works or says why it does not
                self.found[key] = None
            if len(self.found) > _MOST_RECORDINGS:
                self.found.popitem(last=False)
        self.found.move_to_end(key)
        recording = self.found[key]
        return compute(module, *args) if recording is None else recording.replay(args)


class _Recording:
    """One call as a CUDA graph, whose inputs and output stay where they are."""

    def __init__(self, compute: Callable[..., Tensor], module: nn.Module, args: Any) -> None:
        self.weights = [
            (named, name, tensor, tensor.data_ptr())
            for part in module.modules()
            for named in (part._parameters, part._buffers)
            for name, tensor in named.items()
            if tensor is not None
        ]
        device = next(arg.device for arg in args if isinstance(arg, Tensor))
        # Not as inference tensors, which nobody else may write to.
        with torch.cuda.device(device), torch.inference_mode(False), torch.no_grad():
            self.inputs = [arg.clone() if isinstance(arg, Tensor) else arg for arg in args]
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                compute(module, *self.inputs)  # lets libraries choose and allocate
            torch.cuda.current_stream().wait_stream(side)
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(
                self.graph, pool=_pool(device), stream=side, capture_error_mode="thread_local"
            ):
                self.output = compute(module, *self.inputs)

    def is_current(self) -> bool:
        """Whether the weights are the same, and still lie where the graph reads them."""
        return all(
            named.get(name) is tensor and tensor.data_ptr() == place
            for named, name, tensor, place in self.weights
        )

    def replay(self, args: Any) -> Tensor:
        """The output for new inputs."""
        with torch.inference_mode(False), torch.no_grad():
            for kept, new in zip(self.inputs, args, strict=True):
                if isinstance(new, Tensor):
                    kept.copy_(new)
        self.graph.replay()
        return self.output.clone()


@functools.cache
def _pool(device: torch.device) -> Any:
    """The memory that all recordings of a device share."""
    with torch.cuda.device(device):
        return torch.cuda.graph_pool_handle()


def _key(arg: Any) -> Hashable:
    return (arg.shape, arg.dtype, arg.device) if isinstance(arg, Tensor) else arg
