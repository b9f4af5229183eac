"""What kernels ask of their arguments before any compiled code runs: else a sentence."""

import numpy as np

from aisys_lab.core import LabError

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def told(x):
    """An array in a few letters: ``float32[3, 4]``."""
    return f"{x.dtype}[{', '.join(map(str, x.shape))}]"


def floats(op, **arrays):
    """The arguments as arrays of one dtype, f32 or f64."""
    given = {name: x if isinstance(x, np.ndarray) else np.asarray(x)
             for name, x in arrays.items()}
    kinds = {x.dtype for x in given.values()}
    if len(kinds) > 1 or not kinds <= set(FLOATS):
        raise LabError(f"{op}: takes float32 or float64, all of one dtype, got "
                       f"{' and '.join(f'{name} {told(x)}' for name, x in given.items())}.")
    return list(given.values())


def rank(op, name, x, *ranks):
    """A sentence unless the array has one of these numbers of axes."""
    if x.ndim not in ranks:
        raise LabError(f"{op}: {name} has {' or '.join(map(str, ranks))} axes, got {told(x)}.")
