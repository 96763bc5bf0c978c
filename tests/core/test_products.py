"""Linear layers are those of torch, whichever library computes them."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from c2l import fast_linear, is_linear_fast, pack_linear, products

WEIGHT = torch.randn(160, 128, generator=torch.Generator().manual_seed(0))
BIAS = torch.linspace(-1, 1, 160)
ROWS = torch.randn(7, 3, 128, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("prefers", [False, True])
@pytest.mark.parametrize("bias", [None, BIAS], ids=["plain", "bias"])
def test_the_same_as_torch(monkeypatch, prefers, bias) -> None:
    if prefers and not torch.backends.mkldnn.is_available():
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(products, "_prefers_onednn", lambda: prefers)
    assert is_linear_fast(WEIGHT) is prefers
    for rows in (ROWS, ROWS[:, 1], ROWS[0, 0], ROWS[:0]):
        wanted = F.linear(rows, WEIGHT, bias)
        torch.testing.assert_close(fast_linear(rows, WEIGHT, bias), wanted, atol=1e-5, rtol=1e-6)
    rows = ROWS.clone().requires_grad_(True)
    fast_linear(rows, WEIGHT, bias).sum().backward()
    assert rows.grad is not None and bool(rows.grad.any())
    double = fast_linear(ROWS.double(), WEIGHT.double())
    assert double.dtype == torch.float64


@pytest.mark.parametrize(
    ("lost", "value"),
    [
        ("torch.backends.cpu.get_cpu_capability", lambda: "AVX2"),
        ("torch.backends.mkldnn.is_available", lambda: False),
        ("c2l.products._is_amd", lambda: False),
    ],
)
def test_where_oneDNN_is_no_gain(monkeypatch, lost, value) -> None:
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr("c2l.products._is_amd", lambda: True)
    monkeypatch.setattr(lost, value)
    assert not products._prefers_onednn.__wrapped__()


@pytest.mark.parametrize("prefers", [False, True])
def test_packed_weights_multiply_alike(monkeypatch, prefers) -> None:
    if prefers and not torch.backends.mkldnn.is_available():
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(products, "_prefers_onednn", lambda: prefers)
    packed = pack_linear(WEIGHT, 16)
    assert (packed is WEIGHT) is not prefers
    for rows in (ROWS, ROWS[:, 1]):
        wanted = F.linear(rows, WEIGHT, BIAS)
        with torch.no_grad():
            torch.testing.assert_close(fast_linear(rows, packed, BIAS), wanted, atol=1e-5, rtol=0)


def test_a_torch_that_cannot_pack(monkeypatch) -> None:
    monkeypatch.setattr(products, "_prefers_onednn", lambda: True)
    monkeypatch.setattr(torch.ops, "mkldnn", object())
    assert pack_linear(WEIGHT, 16) is WEIGHT
