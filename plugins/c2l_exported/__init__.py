"""Generators exported to a file: TorchScript, ONNX or torch.export."""

from __future__ import annotations

from collections.abc import Callable

import c2l


@c2l.hookimpl
def c2l_register_kinds(register: Callable[[c2l.KindSpec], None]) -> None:
    for kind, name, example, programs, requires in (
        ("torchscript", "TorchScript", "g.pt", True, ()),
        ("onnx", "Onnx", "g.onnx", False, ("c2l[onnx]",)),
        ("export", "TorchExport", "g.pt2", True, ()),
    ):
        register(
            c2l.KindSpec(
                kind=kind,
                interface="generator",
                factory=f"c2l_exported.generator:{name}",
                summary=f"a generator exported to a file, as in {kind}:./{example}",
                licence="Apache-2.0 (code; weights have their own)",
                requires=requires,
                programs=programs,
            )
        )
