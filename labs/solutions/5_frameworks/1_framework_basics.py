"""Solutions of lab 5.1: a function for each exercise, named as its slot."""

import numpy as np

import aisys_lab as lab


def dispatch(registry, op, *args):
    local, order = registry.local, registry.order
    active = registry.keys(args)
    start = getattr(local, "start", 0)
    for place in range(start, len(order)):
        key = order[place]
        if key not in active:
            continue
        kernel = registry.kernels.get((op, key), registry.kernels.get(("*", key)))
        if kernel is None:
            raise lab.LabError(f"no kernel of {op} for {key}")
        if kernel != "falls through":
            local.start = place + 1
            try:
                return kernel(*args)
            finally:
                local.start = start
    raise lab.LabError(f"no kernel of {op} is left")
