"""Random numbers without state: a key goes in, numbers come out, and a key is used once.

JAX has its keys like this; PyTorch and NumPy keep a generator that changes. The words are
those of NumPy's Philox, which it promises never to change; the normal law is its ziggurat.
"""

import numpy as np

from aisys_lab.autodiff.tensor import JVP, VJP
from aisys_lab.core import LabError, whole
from aisys_lab.ir import bind, short
from aisys_lab.ir.random import need_key, philox
from aisys_lab.ir.spec import dtype_of

for _op in ("random", "fold_in"):  # a draw does not depend on anything that has a derivative
    VJP.define(_op, None)
    JVP.define(_op, None)


def key(seed):
    """The key u64[2] of a seed, a whole number below 2**128."""
    seed = whole("random.key", "seed", seed)
    if seed >> 128:
        raise LabError(f"random.key: seed={seed}; it is a whole number below 2**128.")
    return np.array([seed & (2**64 - 1), seed >> 64], np.uint64)


def split(key, n=2):
    """``n`` new keys u64[n,2], independent of each other and of the numbers of ``key``."""
    n = whole("random.split", "n", n, 1)
    return bind("random", need_key("random.split", key), law="keys", shape=(n, 2), dtype="u64")


def fold_in(key, number):
    """A new key for a whole number, such as a step or the place of a layer."""
    if not hasattr(number, "dtype"):
        number = np.asarray(whole("random.fold_in", "number", number))
    return bind("fold_in", need_key("random.fold_in", key), number)


def _law(law):
    def draw(key, shape=(), dtype=np.float32):
        sizes = shape if isinstance(shape, tuple | list) else (shape,)
        sizes = tuple(n if isinstance(n, str) else whole(f"random.{law}", "size", n)
                      for n in sizes)
        if dtype_of(dtype).kind != "f":
            raise LabError(f"random.{law}: dtype={dtype!r}; the numbers are floats.")
        return bind("random", need_key(f"random.{law}", key), law=law, shape=sizes,
                    dtype=short(dtype_of(dtype)))
    draw.__name__ = law
    return draw


uniform, normal = _law("uniform"), _law("normal")
uniform.__doc__ = ("Numbers in [0, 1), each multiple of 2**-11 (f16), 2**-24 (f32) or 2**-53 (f64) "
                   "as likely.")
normal.__doc__ = "Numbers of mean 0 and variance 1."


def bernoulli(key, p=0.5, shape=()):
    """Booleans, true with probability ``p``."""
    if getattr(p, "shape", ()) or not 0 <= p <= 1:
        raise LabError(f"random.bernoulli: p={p!r}; a probability lies between 0 and 1.")
    return uniform(key, shape) < p


def generator(source):
    """A NumPy generator of a seed, a key, or a generator (which is returned as it is)."""
    if isinstance(source, np.random.Generator):
        return source
    if isinstance(source, int | np.integer):
        return np.random.default_rng(whole("init", "seed", source))
    if not hasattr(source, "dtype"):
        raise LabError(f"random numbers come of a seed, a key or a NumPy generator, got a "
                       f"{type(source).__name__}.")
    return np.random.Generator(philox(source))


def words(rng):
    """The state of a NumPy default generator as u64[6], which a checkpoint can hold."""
    state = rng.bit_generator.state
    if state["bit_generator"] != "PCG64":
        raise LabError(f"the state of {state['bit_generator']} is not kept; use "
                       f"np.random.default_rng(seed).")
    halves = [half for number in (state["state"]["state"], state["state"]["inc"])
              for half in (number & (2**64 - 1), number >> 64)]
    return np.array([*halves, state["has_uint32"], state["uinteger"]], np.uint64)


def from_words(state):
    """The generator again."""
    low, high, inc_low, inc_high, has, word = map(int, state)
    rng = np.random.default_rng(0)
    rng.bit_generator.state = {
        "bit_generator": "PCG64", "has_uint32": has, "uinteger": word,
        "state": {"state": low | high << 64, "inc": inc_low | inc_high << 64}}
    return rng
