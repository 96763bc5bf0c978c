"""The number of threads torch computes with, set for the calling thread only.

``torch.set_num_threads`` does two things: it sets the number of the calling thread, and it stores
that number for the whole process, where every thread picks it up when it first computes something.
PyTorch has no function that does only the first. But it keeps no number for each thread itself: it
passes it on to OpenMP and MKL, which do. So this module calls the functions of those two, in the
very libraries that torch has loaded.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Thread

import torch


def limit_this_thread(num: int) -> None:
    """Make torch use ``num`` threads for the operations of the calling thread.

    No other thread sees a difference. Where ``can_limit_a_thread`` is false, nothing happens.
    """
    torch.get_num_threads()  # a thread's first call sets the number of the process: so not later
    for set_num_threads in _setters():
        set_num_threads(num)


@contextmanager
def leaving_a_core() -> Iterator[None]:
    """Make torch use one thread less than usual for the calling thread, if it uses several.

    For a thread that computes beside others that must respond: torch's threads wait for each
    other, so one without a core holds up all of them.
    """
    num = torch.get_num_threads()
    limit_this_thread(max(1, num - 1))
    try:
        yield
    finally:
        limit_this_thread(num)


@contextmanager
def single_threaded() -> Iterator[None]:
    """Compute with one thread, so that results do not depend on the number of threads.

    Where ``can_limit_a_thread`` is false, the number of the whole process changes meanwhile.
    """
    num = torch.get_num_threads()
    limit = limit_this_thread if can_limit_a_thread() else torch.set_num_threads
    limit(1)
    try:
        yield
    finally:
        limit(num)


@cache
def can_limit_a_thread() -> bool:
    """Whether ``limit_this_thread`` works here; tried once, in a thread of its own.

    It works with PyTorch's builds for Linux. It does not work on Windows, where a library does not
    give access to the functions of its dependencies, nor with a torch built without OpenMP.
    """
    seen: list[bool] = []

    def probe() -> None:
        num = torch.get_num_threads() % 2 + 1  # not the current number
        limit_this_thread(num)
        seen.append(torch.get_num_threads() == num)

    thread = Thread(target=probe)
    thread.start()
    thread.join()
    return seen == [True]


@cache
def _setters() -> tuple[Callable[[int], None], ...]:
    """The functions of OpenMP and, if torch uses it, MKL; empty unless all of them are found.

    Names are looked up as the system does for torch: in what is visible to the whole process,
    such as a preloaded OpenMP, then in the libraries that torch depends on.
    """
    names = ["omp_set_num_threads"]
    if torch.backends.mkl.is_available():
        names.append("MKL_Set_Num_Threads_Local")  # in lower case it is Fortran's, with a pointer
    try:
        # PyDLL keeps the GIL: the calls are shorter than releasing it would be.
        libraries = [ctypes.PyDLL(None), ctypes.PyDLL(torch._C.__file__)]
    except (OSError, TypeError):  # Windows has no library of the whole process
        return ()
    functions = []
    for name in names:
        library = next((library for library in libraries if hasattr(library, name)), None)
        if library is None:
            return ()
        function = getattr(library, name)
        function.argtypes, function.restype = [ctypes.c_int], None
        functions.append(function)
    return tuple(functions)
