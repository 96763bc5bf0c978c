"""What the process of an exported network may not do. Linux; elsewhere no wall stands.

Exported files are programs: ``torch.export`` files hold pickles, TorchScript can read and write
files. Each wall is tried by itself, since containers and distributions forbid one or the other:

- new namespaces of users and of the network: no interface, and no hand on other processes;
- a filter of system calls: no sockets of any family, none of the calls that reach into processes;
- Landlock: no file is written, made, renamed or removed, but in a folder of its own for temporary
  ones. Devices, which GPUs need, stay open.

All of it must be done before the first thread starts, so before torch is imported.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import struct
import sys
from contextlib import suppress

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38

# Architecture as the filter sees it, and socket, ptrace, process_vm_readv, process_vm_writev,
# io_uring_setup, pidfd_getfd.
_CALLS = {
    "x86_64": (0xC000003E, (41, 101, 310, 311, 425, 438)),
    "aarch64": (0xC00000B7, (198, 117, 270, 271, 425, 438)),
}

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_WRITE_FILE = 1 << 1
# Removing and making of every kind, and from the second and third version on refer and truncate.
_CHANGES = (_WRITE_FILE | 0b1_1111_1111_0000, 1 << 13, 1 << 14)


def build_walls(folder: str) -> list[str]:
    """Build every wall that this platform has; returns which stand: ``network``, ``files``.

    Args:
        folder: for temporary files.
    """
    if not sys.platform.startswith("linux"):
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")  # where memory runs out, this process ends and not c2l
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    apart, filtered = _leave_network(libc), _filter_calls(libc)
    stand = ["network"] if apart or filtered else []
    return [*stand, "files"] if _forbid_changes(libc, folder) else stand


def _leave_network(libc: ctypes.CDLL) -> bool:
    user = os.getuid()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return False
    with suppress(OSError), open("/proc/self/uid_map", "w") as table:
        table.write(f"{user} {user} 1")  # the user keeps the own number
    return True


def _filter_calls(libc: ctypes.CDLL) -> bool:
    """Have the kernel refuse some calls, as a program of the classic Berkeley packet filter."""
    if platform.machine() not in _CALLS or struct.calcsize("P") != 8:
        return False
    architecture, calls = _CALLS[platform.machine()]
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06
    allow, refuse = 0x7FFF0000, 0x00050000 | errno.EPERM
    num = len(calls)
    lines = [
        (load, 0, 0, 4),  # the architecture
        (equal, 0, num + 3, architecture),
        (load, 0, 0, 0),  # the number of the call
        (at_least, num + 1, 0, 0x40000000),  # the numbers of x32, another way to the same calls
        *((equal, num - i, 0, call) for i, call in enumerate(calls)),
        (give, 0, 0, allow),
        (give, 0, 0, refuse),
    ]
    code = b"".join(struct.pack("HBBI", *line) for line in lines)
    program = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", len(lines), ctypes.addressof(program))
    return libc.prctl(_PR_SET_SECCOMP, 2, ctypes.c_char_p(header), 0, 0) == 0


def _forbid_changes(libc: ctypes.CDLL, folder: str) -> bool:
    version = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    rights = sum(_CHANGES[:version])
    attributes = struct.pack("Q", rights)
    ruleset = libc.syscall(
        _LANDLOCK_CREATE, ctypes.c_char_p(attributes), ctypes.c_size_t(len(attributes)), 0
    )
    if ruleset < 0:
        return False
    try:
        for place, allowed in (("/dev", _WRITE_FILE), (folder, rights)):
            opened = os.open(place, getattr(os, "O_PATH", 0))
            rule = struct.pack("=Qi", allowed, opened)
            libc.syscall(_LANDLOCK_ADD, ruleset, 1, ctypes.c_char_p(rule), 0)
            os.close(opened)
        return libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0) == 0
    finally:
        os.close(ruleset)
