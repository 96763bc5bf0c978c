"""ONNX files are looked through before ONNX Runtime opens them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import exported_networks as networks
import onnx
import pytest
import torch
from exported_networks import export, load, z
from onnx import TensorProto, helper

from c2l.errors import BadWeights
from c2l_exported.files.onnx_file import read_onnx, recognises_onnx


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export("onnx", networks.Plain(), (z(),), tmp_path_factory.mktemp("onnx"))


def changed(path: Path, folder: Path, change: Any) -> Path:
    """A copy of a model with something done to it."""
    model = onnx.load(path)
    change(model)
    (folder / "changed.onnx").write_bytes(model.SerializeToString())
    return folder / "changed.onnx"


def keep_outside(place: str) -> Any:
    """Weights of a model, or of a constant deep inside it, that lie in another file."""

    def change(model: Any) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=place)

    return change


def test_what_it_says(path: Path) -> None:
    found = read_onnx(path)
    model = onnx.load(path)
    assert found.inputs == {"z": [None, networks.WIDTH]}
    assert found.companions == []
    weights = [torch.Size(tensor.dims).numel() for tensor in model.graph.initializer]
    assert found.parameters >= sum(weights)


@pytest.mark.parametrize("place", ["../../etc/passwd", "/etc/passwd", "a/../../x", "link"])
def test_weights_outside_its_folder_are_refused(path: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(BadWeights, match="outside its own folder"):
        read_onnx(changed(path, tmp_path, keep_outside(place)))


def test_so_are_those_of_inner_graphs_and_functions(path: Path, tmp_path: Path) -> None:
    tensor = helper.make_tensor("t", TensorProto.FLOAT, [1], [0.0])
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")
    constant = helper.make_node("Constant", [], ["t"], value=tensor)
    graph = helper.make_graph([constant], "inner", [], [])
    choice = helper.make_node("If", ["c"], ["t"], then_branch=graph, else_branch=graph)
    function = helper.make_function("own", "F", [], ["t"], [constant], [])
    for change in (
        lambda model: model.graph.node.append(constant),
        lambda model: model.graph.node.append(choice),
        lambda model: model.functions.append(function),
    ):
        with pytest.raises(BadWeights, match="outside its own folder"):
            read_onnx(changed(path, tmp_path, change))


def test_weights_beside_it_are_read_and_hashed(tmp_path: Path) -> None:
    path = export("onnx", networks.Plain(), (z(),), tmp_path)
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    (companion,) = read_onnx(path).companions
    assert companion == tmp_path / "w.bin"
    generator = load(path)
    assert len(generator.sha256) == 2
    latents = generator.sample_latents([1])
    wanted = networks.Plain().pixels(latents[:, 0])
    torch.testing.assert_close(generator.synthesize(latents), wanted, rtol=0, atol=1e-4)
    companion.unlink()
    with pytest.raises(BadWeights, match=r"keeps weights in w\.bin, which is not there"):
        load(path)


def test_operators_of_its_own_are_named(path: Path, tmp_path: Path) -> None:
    node = helper.make_node("Sparkle", ["z"], ["s"], domain="mine")
    with pytest.raises(BadWeights, match="does not have: mine::Sparkle"):
        read_onnx(changed(path, tmp_path, lambda model: model.graph.node.append(node)))


def test_unknown_operators_are_one_line(path: Path, tmp_path: Path) -> None:
    def change(model: Any) -> None:
        model.graph.node[0].op_type = "Sparkle"

    with pytest.raises(BadWeights, match="Sparkle") as error:
        load(changed(path, tmp_path, change))
    assert "\n" not in str(error.value)


def test_damage_is_found(path: Path, tmp_path: Path) -> None:
    data, other = path.read_bytes(), tmp_path / "g.onnx"
    for length in (0, 1, 2, 50, len(data) // 2, len(data) - 1):
        other.write_bytes(data[:length])
        with pytest.raises(BadWeights):
            read_onnx(other)
        assert not recognises_onnx(other)


def test_nesting_without_end_is_refused(path: Path, tmp_path: Path) -> None:
    def change(model: Any) -> None:
        graph = model.graph.__class__()
        for _ in range(20):
            outer = model.graph.__class__()
            node = outer.node.add(op_type="If")
            node.attribute.add(name="then_branch", type=5).g.CopyFrom(graph)
            graph = outer
        model.graph.node.extend(graph.node)

    with pytest.raises(BadWeights, match="nested too deeply"):
        read_onnx(changed(path, tmp_path, change))


def test_any_bytes_end_in_a_message(path: Path, tmp_path: Path) -> None:
    """Bytes flipped anywhere are read, or refused as damage."""
    data, other = path.read_bytes(), tmp_path / "g.onnx"
    for place in range(0, len(data), max(1, len(data) // 150)):
        flipped = bytearray(data)
        flipped[place] ^= 0xFF
        other.write_bytes(flipped)
        with suppress(BadWeights):
            read_onnx(other)
        recognises_onnx(other)
