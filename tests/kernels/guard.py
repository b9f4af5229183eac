"""Arrays that end, or begin, at a page that may not be touched: one step too far ends the process.

Numba's own bounds checking does not see loads through pointers, which is what kernels do.
"""

import ctypes
import mmap
import sys

import numpy as np

PAGE = mmap.PAGESIZE
HELD = []  # the maps live as long as the tests


def guarded(array, end=True):
    """A copy in C order whose last byte lies just before such a page; or, with ``end=False``,
    whose first byte lies just behind one."""
    array = np.asarray(array)
    if sys.platform == "win32" or not array.nbytes:
        return array.copy()
    inner = -(-array.nbytes // PAGE) * PAGE
    pages = mmap.mmap(-1, inner + 2 * PAGE)
    HELD.append(pages)
    start = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    for where in (start, start + PAGE + inner):
        _forbid(where)
    at = PAGE + (inner - array.nbytes if end else 0)
    out = np.frombuffer(pages, array.dtype, array.size, at).reshape(array.shape)
    out[...] = array
    return out


def _forbid(where):
    """Nobody may read or write the page from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mprotect(ctypes.c_void_p(where), ctypes.c_size_t(PAGE), 0):
        raise OSError(ctypes.get_errno(), "mprotect")
