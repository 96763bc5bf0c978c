"""What runs a network: torch.jit, torch.export or ONNX Runtime, behind one small face.

``signature`` says which inputs a network has; ``run`` takes an array for each and gives arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, Any]


class Network(Protocol):
    """A network that was read from a file."""

    def signature(self) -> dict[str, Any]:
        """``inputs``: name, type, shape (None where it is open) and what a value must be; and
        ``weights``: the shapes of the first weights, where inputs have no shapes."""

    def run(
        self, arrays: Sequence[Array], *, device: str, threads: int, seed: int, only: int | None
    ) -> list[Array]:
        """All outputs, or one."""


def open_network(runtime: str, path: str) -> Network:
    """Read a network, on the CPU."""
    if runtime == "onnx":
        return Onnx(path)
    return (TorchScript if runtime == "torchscript" else TorchExport)(path)


class Torch:
    """What both of torch's formats have in common: a module that takes tensors."""

    module: Any
    threads = 0
    device = "cpu"

    def call(self, tensors: list[Any]) -> Any:
        return self.module(*tensors)

    def run(
        self, arrays: Sequence[Array], *, device: str, threads: int, seed: int, only: int | None
    ) -> list[Array]:
        import torch

        if threads != self.threads:
            torch.set_num_threads(threads)
            self.threads = threads
        if device != self.device:
            self.module.to(device)
            self.device = device
        torch.manual_seed(seed)
        with torch.no_grad():
            tensors = [torch.from_numpy(array.copy()).to(device) for array in arrays]
            outputs = list(_flat(self.call(tensors)))
        return [_array(output) for output in (outputs if only is None else [outputs[only]])]


class TorchScript(Torch):
    """A file of ``torch.jit.save``."""

    def __init__(self, path: str) -> None:
        import torch

        self.module = torch.jit.load(path, map_location="cpu").eval()

    def signature(self) -> dict[str, Any]:
        taken = [a for a in self.module.forward.schema.arguments[1:] if not a.has_default_value()]
        inputs = [
            {
                "name": argument.name,
                "type": "tensor" if str(argument.type) == "Tensor" else str(argument.type),
                "shape": None,
            }
            for argument in taken
        ]
        weights = [p for p in self.module.parameters() if p.ndim > 1][:32]
        half = next((str(p.dtype) for p in self.module.parameters()), "")
        return {
            "inputs": inputs,
            "weights": [list(p.shape) for p in weights],
            "half": half == "torch.float16",
        }


class TorchExport(Torch):
    """A file of ``torch.export.save``."""

    def __init__(self, path: str) -> None:
        import torch

        self.program = torch.export.load(path)
        self.module = self.program.module()

    def call(self, tensors: list[Any]) -> Any:
        from torch.utils import _pytree as pytree

        left = iter(tensors)
        flat = [next(left) if t is _TENSOR else t for t in self._values()]
        args, keywords = pytree.tree_unflatten(flat, self.program.call_spec.in_spec)
        return self.module(*args, **keywords)

    def _values(self) -> list[Any]:
        """For each input the value that it was exported with, or ``_TENSOR``."""
        import torch

        return [
            _TENSOR if isinstance(v := node.meta.get("val"), torch.Tensor) else v
            for node in self._nodes()
        ]

    def _nodes(self) -> list[Any]:
        names = self.program.graph_signature.user_inputs
        nodes = {n.name: n for n in self.program.graph.nodes if n.op == "placeholder"}
        return [nodes[name] for name in names if name in nodes]

    def signature(self) -> dict[str, Any]:
        tensors = [
            (node.name, node.meta["val"])
            for node, value in zip(self._nodes(), self._values(), strict=True)
            if value is _TENSOR
        ]
        return {
            "inputs": [
                {
                    "name": name,
                    "type": str(value.dtype).removeprefix("torch."),
                    "shape": [s if isinstance(s, int) else None for s in value.shape],
                }
                for name, value in tensors
            ]
        }


class Onnx:
    """An ONNX file in ONNX Runtime, on a GPU if its package can."""

    def __init__(self, path: str) -> None:
        import onnxruntime

        self.path, self.how = path, ("cpu", 1)
        onnxruntime.set_default_logger_severity(4)
        self.session = self._session(*self.how)

    def _session(self, device: str, threads: int) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        wanted = ["CUDAExecutionProvider"] if device.startswith("cuda") else []
        here = onnxruntime.get_available_providers()
        providers = [p for p in [*wanted, "CPUExecutionProvider"] if p in here]
        return onnxruntime.InferenceSession(self.path, options, providers=providers)

    def signature(self) -> dict[str, Any]:
        return {
            "inputs": [
                {
                    "name": i.name,
                    "type": _ONNX_TYPES.get(i.type, i.type),
                    "shape": [s if isinstance(s, int) else None for s in i.shape],
                }
                for i in self.session.get_inputs()
            ]
        }

    def run(
        self, arrays: Sequence[Array], *, device: str, threads: int, seed: int, only: int | None
    ) -> list[Array]:
        if (device, threads) != self.how:
            self.how = (device, threads)
            self.session = self._session(device, threads)
        names = [o.name for o in self.session.get_outputs()]
        names = names if only is None else [names[only]]
        given = {i.name: a for i, a in zip(self.session.get_inputs(), arrays, strict=True)}
        return [np.ascontiguousarray(a) for a in self.session.run(names, given)]


_TENSOR = object()
_ONNX_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
}


def _flat(value: Any) -> Iterable[Any]:
    """The tensors of an output that may be a tuple, a list or a table of them."""
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _flat(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _flat(item)


def _array(tensor: Any) -> Array:
    import torch

    known = (torch.float32, torch.float16, torch.float64, torch.uint8, torch.int64)
    tensor = tensor.detach().cpu()
    return np.ascontiguousarray((tensor if tensor.dtype in known else tensor.float()).numpy())
