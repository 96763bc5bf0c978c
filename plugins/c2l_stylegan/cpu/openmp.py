"""The number of threads torch computes with, set for the calling thread alone.

``torch.set_num_threads`` does two things: it sets the number for the calling thread, and it stores
it as the number that every thread created from then on starts with, anywhere in the process.
PyTorch has no public function for the first alone. But it keeps no number of its own for a thread:
it passes it on to OpenMP and to MKL, which both keep one for each thread. So this module calls
their functions, those of the very libraries that torch has loaded.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from threading import Thread

import torch


def limit_this_thread(num: int) -> None:
    """Make torch use ``num`` threads for the operations of the calling thread.

    No other thread sees a difference. Where ``can_limit_a_thread`` is false, nothing happens.
    """
    # The first call in a thread sets it to the number of the process: not after ours, please.
    torch.get_num_threads()
    for set_num_threads in _setters():
        set_num_threads(num)


@cache
def can_limit_a_thread() -> bool:
    """Whether ``limit_this_thread`` works here.

    It does with PyTorch's own builds for Linux. It does not on Windows, whose libraries do not
    find functions in what they depend on, nor where torch was built without OpenMP.
    """
    seen: list[bool] = []

    def probe() -> None:
        num = torch.get_num_threads() % 2 + 1  # another number than now
        limit_this_thread(num)
        seen.append(torch.get_num_threads() == num)

    thread = Thread(target=probe)
    thread.start()
    thread.join()
    return seen == [True]


@cache
def _setters() -> tuple[Callable[[int], None], ...]:
    """The functions of OpenMP and (if torch has it) MKL; empty unless all that it takes are found.

    A name is looked up as torch's own libraries do it: in what is visible to the whole process,
    as is a preloaded OpenMP, and then in what torch depends on.
    """
    names = ["omp_set_num_threads"]
    if torch.backends.mkl.is_available():
        names.append("MKL_Set_Num_Threads_Local")  # in lower case it is Fortran's, with a pointer
    try:
        # Holding the GIL: the calls are shorter than giving it away.
        libraries = [ctypes.PyDLL(None), ctypes.PyDLL(torch._C.__file__)]
    except (OSError, TypeError):  # Windows has no library of the whole process
        return ()
    found = [next((lib[n] for lib in libraries if hasattr(lib, n)), None) for n in names]
    if None in found:
        return ()
    for function in found:
        function.argtypes, function.restype = [ctypes.c_int], None
    return tuple(found)
