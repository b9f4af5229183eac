"""Numba for functions of plain loops, such as a notebook's."""

import types

from aisys_lab.core import SLOTS


def compiled(function):
    """The function and those beside it that it may call, compiled; the originals stay as they are.

    Of a slot, it is the one that serves now. Sums may be fused into multiply-adds. The first call
    takes a second or two.
    """
    import numba
    function = SLOTS[function.slot] if hasattr(function, "slot") else function
    space = dict(function.__globals__)
    beside = {name: found for name, found in space.items() if isinstance(found, types.FunctionType)
              and found.__globals__ is function.__globals__}
    for name, found in (beside | {function.__name__: function}).items():
        fresh = types.FunctionType(found.__code__, space, name, found.__defaults__)
        space[name] = numba.njit(error_model="numpy", fastmath={"contract"})(fresh)
    return space[function.__name__]
