"""Numba kernels: one signature, several speeds; the naive one is the definition.

``lab.kernels.matmul(a, b)`` takes the best kernel for this host and these arrays;
``lab.kernels.KERNELS["matmul"]`` is the ladder up to it. Numba is imported when the first of these
names is used, and each kernel is compiled on its first use, once a machine.
"""

import importlib

_FACE = {
    "KERNELS": "ladders",
    "matmul": "products", "linear": "products", "pack": "products",
    "matmul_int8": "products", "gemv_int8": "products",
}


def __getattr__(name):
    if name not in _FACE:
        raise AttributeError(f"aisys_lab.kernels has no name {name!r}")
    for module in dict.fromkeys(_FACE.values()):  # all of them: each adds its ladders to KERNELS
        importlib.import_module(f"aisys_lab.kernels.{module}")
    globals().update((known, getattr(importlib.import_module(f"aisys_lab.kernels.{module}"), known))
                     for known, module in _FACE.items())
    return globals()[name]


def __dir__():
    return sorted({*globals(), *_FACE})
