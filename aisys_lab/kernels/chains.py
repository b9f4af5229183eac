"""Fused chains of elementwise functions: one loop, and what lies between stays in registers.

    fused(["mul", "add", "gelu"], x, w, b)    gelu(x * w + b)

A chain becomes the text of a module, as in a compiler's back end, and is compiled once.
"""

import math

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.kernels.chain_text import module_of, text_of
from aisys_lab.kernels.checks import FLOATS, floats, told
from aisys_lab.kernels.expressions import FUNCTIONS
from aisys_lab.kernels.threads import threads

COST = 30  # operations of a function, about
MADE = {}  # names, places, kernel -> the functions' rows and the module made of them


def fused(names, x, *others, kernel="vectors"):
    """The first function of x (and of the next operand, if it takes two), the second of the
    result, and so on; operands broadcast, numbers take the dtype of x."""
    operands = (x, *others)
    flat = _alike(operands)
    if flat is None:
        return _broadcast(tuple(names), x, others, kernel)
    module = _module(tuple(names), "l" * len(operands), kernel)
    return _run(module, x.shape, 1, x.size, flat)


def _alike(operands):
    """Operands of one shape and dtype in C order as ``numbers, 0, numbers, 0, …``; else None."""
    shape, dtype = getattr(operands[0], "shape", None), getattr(operands[0], "dtype", None)
    flat = []
    for a in operands:
        if type(a) is not np.ndarray or a.shape != shape or a.dtype is not dtype \
                or dtype not in FLOATS or not a.flags.c_contiguous:
            return None
        flat += a.ravel(), 0
    return flat


def _broadcast(names, x, others, kernel):
    """The same for any others."""
    x = x if isinstance(x, np.ndarray) else np.asarray(x)
    others = [np.asarray(a, x.dtype) if isinstance(a, int | float) else a for a in others]
    arrays = floats(" ".join(names), x=x, **{f"operand {k + 1}": a for k, a in enumerate(others)})
    try:
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
    except ValueError:
        raise LabError(f"{' '.join(names)}: {' and '.join(map(told, arrays))} do not broadcast.") \
            from None
    arrays = [a.reshape((1,) * (len(shape) - a.ndim) + a.shape) for a in arrays]
    cut = _cut([a.shape for a in arrays], shape)
    rows, count = math.prod(shape[:cut]), math.prod(shape[cut:])
    places = "".join("l" if a.shape[cut:] == shape[cut:] else "p" for a in arrays)
    flat = [value for a in arrays for value in _lines(a, shape[:cut], rows)]
    return _run(_module(names, places, kernel), shape, rows, count, flat)


def _cut(shapes, shape):
    """The axis from which on every operand is there as a whole, or is one number."""
    cut = len(shape)
    while cut and all(part[cut - 1:] in (shape[cut - 1:], (1,) * (len(shape) - cut + 1))
                      for part in shapes):
        cut -= 1
    return cut


def _lines(a, before, rows):
    """An operand as numbers in a row, and how far apart its lines begin: 0 for a single one."""
    cut = len(before)
    if math.prod(a.shape[:cut]) > 1:
        a = np.broadcast_to(a, before + a.shape[cut:])
        return np.ascontiguousarray(a).ravel(), a.size // max(rows, 1)
    return np.ascontiguousarray(a).ravel(), 0


def _run(module, shape, rows, count, flat):
    """Calls the module for ``numbers, distance, …`` of each operand."""
    out = np.empty(shape, flat[0].dtype)
    many = threads(COST * rows * count)
    if many == 1:
        module.run(out.ravel(), rows, count, *flat)
    else:
        module.run_parts(out.ravel(), rows, count, *flat, many)
    return out


def _module(names, places, kernel):
    """The module of a chain, unless a notebook has put other rows in its place since."""
    rows, made = [FUNCTIONS[name] for name in names], MADE.get((names, places, kernel))
    if made is None or made[0] != rows:
        wanted = 1 + sum(row.arity - 1 for row in rows)
        if len(places) != wanted or not rows:
            raise LabError(f"fused: the chain {' '.join(names) or 'of nothing'} takes "
                           f"{wanted} operands, got {len(places)}.")
        made = MADE[names, places, kernel] = rows, module_of(text_of(names, places, kernel))
    return made[1]


def elementwise(name, *operands, kernel="vectors"):
    """A row of FUNCTIONS of arrays f32 or f64, which broadcast."""
    return fused((name,), *operands, kernel=kernel)
