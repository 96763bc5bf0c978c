"""What torch says about this machine, as JSON: ``python -P -m c2l.service.health.torch_child``.

A child process, since a torch that does not fit the machine may end the process that imports it.
"""

from __future__ import annotations

import json

import torch

from c2l.devices import PRECISIONS, resolve_device, resolve_precision
from c2l.errors import DeviceUnavailable


def _precisions(device: torch.device) -> list[str]:
    able = []
    for name in PRECISIONS:
        try:
            resolve_precision(name, device)
        except DeviceUnavailable:
            continue
        able.append(name)
    return able


def main() -> None:
    """Print the facts."""
    device = resolve_device("auto")
    cuda = torch.cuda.is_available()
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    facts = {
        "version": torch.__version__,
        "device": str(device),
        "gpus": names if cuda else [],
        "threads": torch.get_num_threads(),
        "precisions": _precisions(device),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
