"""Random numbers as ops: a key of two whole numbers in, numbers out; no state anywhere.

The generator is Philox (Salmon, Moraes, Dror and Shaw 2011, «Parallel random numbers: as easy as
1, 2, 3», SC '11): a block cipher of a counter. The key is the cipher's key, and the highest word
of the counter says what the numbers are for, so that no two uses meet.
"""

import math

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.ir.ops import define
from aisys_lab.ir.spec import Spec, dtype_of, spec_of

KEY = Spec((2,), np.uint64)
NUMBERS, KEYS, FOLDED = range(3)  # the highest word of the counter


def philox(key, stream=NUMBERS, start=0):
    """NumPy's Philox 4x64-10 with this key, at the beginning of one of its streams."""
    counter = np.array([start, 0, 0, stream], np.uint64)
    return np.random.Philox(key=need_key("random", key), counter=counter)


def need_key(verb, key):
    """The key itself; a sentence if it is none."""
    if not hasattr(key, "dtype") or spec_of(key) != KEY:
        what = spec_of(key) if hasattr(key, "dtype") else repr(key)
        raise LabError(f"{verb} takes a key, as random.key(0) makes one ({KEY}), got {what}.")
    return key


LAWS = {  # what is drawn, of a key, a shape and a dtype
    "keys": lambda key, shape, dtype: philox(key, KEYS).random_raw(math.prod(shape)).reshape(shape),
    "uniform": lambda key, shape, dtype: np.random.Generator(philox(key)).random(shape, dtype),
    "normal": lambda key, shape, dtype:
        np.random.Generator(philox(key)).standard_normal(shape, dtype),
}


def _draw(key, law, shape, dtype):
    """Numbers of a law; f16 comes of f32, as NumPy draws only f32 and f64."""
    dtype = dtype_of(dtype)
    wide = np.promote_types(dtype, np.float32) if law != "keys" else None
    numbers = LAWS[law](key, shape, wide)
    if law == "uniform" and dtype == np.float16:
        numbers = np.floor(numbers * 2**11) / 2**11  # rounding would reach 1
    return numbers.astype(dtype, copy=False)


def _infer_draw(key, law, shape, dtype):
    need_key("random", key)
    if law not in LAWS:
        raise LabError(f"random: no law {law!r}; the laws are: {', '.join(LAWS)}.")
    if dtype_of(dtype).kind != "u" * (law == "keys") and dtype_of(dtype).kind != "f":
        raise LabError(f"random: {law} numbers are floats, not {dtype}.")
    return Spec(shape, dtype)


def _fold(key, number):
    if number < 0:
        raise LabError(f"fold_in: number={number}; it is a whole number of 0 or more.")
    return philox(key, FOLDED, int(number)).random_raw(2)


def _infer_fold(key, number):
    if number.shape != () or number.dtype.kind not in "iu":
        raise LabError(f"fold_in takes one whole number, got {number}.")
    return need_key("fold_in", key)


# Philox mixes ten rounds of a block of four words: two wide products and four exclusive ors each
define("random", _draw, _infer_draw,
       lambda key, law, shape, dtype: 15 * Spec(shape, dtype).size, "opaque")
define("fold_in", _fold, _infer_fold, lambda key, number: 60, "opaque")
