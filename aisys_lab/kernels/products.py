"""Matrix products under their plain names, and right sides that are packed once."""

from dataclasses import dataclass, field

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.kernels import gemm, gemv, int8, packed
from aisys_lab.kernels.checks import floats, rank, told
from aisys_lab.kernels.epilogue import ACTIVATIONS
from aisys_lab.kernels.isa import host
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.moves import blank
from aisys_lab.kernels.threads import threads

F32 = np.dtype(np.float32)
BYTES = (np.dtype(np.uint8), np.dtype(np.int8))
PART = np.empty(0, np.int8 if host().dot else np.int16)  # what the words of a packed s8 hold


@dataclass(frozen=True)
class Packed:
    """A right side [k,n] in the panels that products read: made by ``pack``, used many times."""

    shape: tuple
    dtype: np.dtype
    panels: np.ndarray = field(repr=False)
    sums: np.ndarray | None = field(default=None, repr=False)  # of columns, for s8

    ndim = 2

    def __repr__(self):
        return f"packed {told(self)}, {self.panels.nbytes} bytes"


def pack(b):
    """The right side f32, f64 or s8 [k,n] of many products, packed once."""
    b = np.asarray(b)
    rank("pack", "b", b, 2)
    if b.dtype == np.int8:
        panels, sums = int8.panels_of(b, PART)
        return Packed(b.shape, b.dtype, panels, sums)
    floats("pack", b=b)
    return Packed(b.shape, b.dtype, packed.panels_of(b))


def matmul(a, b, kernel="packed"):
    """Product of matrices f32 or f64 [m,k] and [k,n], in any layout, by a rung of the ladder.

    ``b`` may be what ``pack`` made of it. Raises LabError for other dtypes and ranks, and for
    sizes that do not fit.
    """
    plain = type(a) is type(b) is np.ndarray and a.dtype is b.dtype is F32
    if not (plain and a.ndim == b.ndim == 2 and a.shape[1] == b.shape[0]):
        a, b = _matrices(a, b)
    return _best(a, b) if kernel == "packed" else KERNELS["matmul"][kernel](a, _plain(b))


def _matrices(a, b):
    if type(b) is Packed:
        (a,) = floats("matmul", a=a)
        if a.dtype != b.dtype:
            raise LabError(f"matmul: a is {told(a)} and b {told(b)}; both are of one dtype.")
    else:
        a, b = floats("matmul", a=a, b=b)
    rank("matmul", "a", a, 2)
    rank("matmul", "b", b, 2)
    return _inner("matmul", a, b)


def _inner(op, a, b):
    if a.shape[1] != b.shape[0]:
        raise LabError(f"{op}: inner sizes differ, {told(a)} and {told(b)}.")
    return a, b


def _plain(b):
    if type(b) is Packed:
        raise LabError("matmul: only kernel='packed' takes a packed b.")
    return b


def _best(a, b):
    """Blocks, panels and register tiles: BLIS in small."""
    (m, k), n = a.shape, b.shape[1]
    out = blank((m, n), a.dtype)
    many = threads(2 * m * n * k)
    if type(b) is Packed:
        _spread(packed.into_packed, packed.into_packed_parts, many, a, b.panels, out)
    elif many == 1:
        packed.into(a, b, out)
    else:
        packed.into_parts(a, b, out, many)
    return out


def _spread(alone, parts, many, *args):
    """One call by one thread, or by many."""
    if many == 1:
        alone(*args)
    else:
        parts(*args, many)


def by_loop(loop):
    """A rung of a loop that writes into its last argument."""
    def rung(a, b):
        out = np.empty((a.shape[0], b.shape[1]), a.dtype)
        loop(a, b, out)
        return out
    rung.__doc__, rung.loop = loop.py_func.__doc__, loop
    return rung


_best.loop = packed.into
ladder("matmul", naive=by_loop(gemm.naive), reordered=by_loop(gemm.reordered),
       blocked=by_loop(gemm.blocked), packed=_best)


def linear(x, w, bias=None, activation=None, residual=None, kernel="fused"):
    """``activation(x @ w + bias) + residual`` of f32 or f64: x [m,k], w [k,n] (or packed), bias
    [n], residual [m,n]; activation None, 'relu' or 'gelu' (tanh form).

    Raises LabError for other dtypes and ranks, sizes that do not fit, other activations.
    """
    given = {"x": x, "w": w, "bias": bias, "residual": residual}
    if type(w) is Packed:
        given.pop("w")
    names = [name for name, value in given.items() if value is not None]
    arrays = dict(zip(names, floats("linear", **{name: given[name] for name in names}),
                      strict=True))
    x, w = _matrices(arrays["x"], arrays.get("w", w))
    sizes = {"bias": (w.shape[1],), "residual": (len(x), w.shape[1])}
    for name in names:
        if name in sizes and arrays[name].shape != sizes[name]:
            raise LabError(f"linear: {name} belongs to a result {[len(x), w.shape[1]]} and is "
                           f"{list(sizes[name])}, got {told(arrays[name])}.")
    if activation not in ACTIVATIONS:
        raise LabError(f"linear: activation={activation!r}; it is None, 'relu' or 'gelu'.")
    return KERNELS["linear"][kernel](x, w, arrays.get("bias"), activation, arrays.get("residual"))


def _in_passes(product, kernel):
    """A product, then a pass over the result for each further step, by rungs of one kind."""
    def linear(x, w, bias=None, activation=None, residual=None):
        from aisys_lab.kernels import gelu, relu
        out = product(x, w)
        if bias is not None:
            out += bias
        if activation is not None:
            out = {"relu": relu, "gelu": gelu}[activation](out, kernel=kernel)
        return out if residual is None else out + residual
    return linear


_linear_naive = _in_passes(lambda x, w: KERNELS["matmul"]["naive"](x, _plain(w)), "naive")
_linear_passes = _in_passes(_best, "vectors")


def _linear_fused(x, w, bias=None, activation=None, residual=None):
    """The further steps while a strip of the result is in the cache: an epilogue."""
    if x.size == 0 or w.shape[1] == 0:
        return _linear_passes(x, w, bias, activation, residual)
    out = blank((len(x), w.shape[1]), x.dtype)
    bias = np.empty(0, x.dtype) if bias is None else np.ascontiguousarray(bias)
    rest = np.empty((0, 1), x.dtype) if residual is None else np.ascontiguousarray(residual)
    ready = type(w) is Packed
    _spread(packed.finished, packed.finished_parts, threads(2 * out.size * x.shape[1]), x,
            w.panels.reshape(1, -1) if ready else w, ready, ACTIVATIONS[activation], bias, rest,
            out)
    return out


ladder("linear", naive=_linear_naive, passes=_linear_passes, fused=_linear_fused)


# ---- bytes

def matmul_int8(a, b, zero=0, kernel="packed"):
    """``(a - zero) @ b`` in int32, exact (modulo 2**32), of a u8 or s8 [m,k] and b s8 [k,n].

    ``zero`` is the whole number that stands for 0 in a; ``b`` may be what ``pack`` made of it.
    Raises LabError for other dtypes and ranks, and for sizes that do not fit.
    """
    a, b = np.asarray(a), b if type(b) is Packed else np.asarray(b)
    if a.dtype not in BYTES or b.dtype != np.int8:
        raise LabError(f"matmul_int8: takes a of uint8 or int8 and b of int8, got {told(a)} and "
                       f"{told(b)}.")
    rank("matmul_int8", "a", a, 2)
    rank("matmul_int8", "b", b, 2)
    _inner("matmul_int8", a, b)
    if not isinstance(zero, int | np.integer) or not -128 <= zero <= 255:
        raise LabError(f"matmul_int8: zero={zero!r}; it is a whole number that a byte can hold.")
    return KERNELS["matmul_int8"][kernel](a, b, int(zero))


def _int8_naive(a, b, zero=0):
    """for i: for j: out[i,j] = sum over k of (a[i,k] - zero) * b[k,j]"""
    out = np.empty((len(a), b.shape[1]), np.int32)
    gemm.integer(a, _plain(b), zero, out)
    return out


def _int8_best(a, b, zero=0):
    """Panels of words; several products an instruction."""
    b = b if type(b) is Packed else pack(b)
    out = np.empty((len(a), b.shape[1]), np.int32)
    shift = int8.SHIFT if a.dtype == np.int8 else 0
    _spread(int8.into, int8.into_parts, threads(out.size * a.shape[1]), a, shift, b.panels, b.sums,
            zero, out)
    return out


ladder("matmul_int8", naive=_int8_naive, packed=_int8_best)


def gemv_int8(x, w, scales, kernel="streamed"):
    """``scales * (w @ x)``: x f32 or f64 [k], weights w s8 [n,k], one scale f[n] a row of them.

    Raises LabError for other dtypes and ranks, and for sizes that do not fit.
    """
    x, scales = floats("gemv_int8", x=x, scales=scales)
    w = np.asarray(w)
    if w.dtype != np.int8:
        raise LabError(f"gemv_int8: w holds int8, got {told(w)}.")
    for name, given, axes in (("x", x, 1), ("w", w, 2), ("scales", scales, 1)):
        rank("gemv_int8", name, given, axes)
    if w.shape != (len(scales), len(x)):
        raise LabError(f"gemv_int8: x {told(x)} and scales {told(scales)} take w "
                       f"int8[{len(scales)}, {len(x)}], got {told(w)}.")
    return KERNELS["gemv_int8"][kernel](x, w, scales)


def _gemv_best(x, w, scales):
    """Row by row, each byte once; asked for a page ahead."""
    x, w, scales = map(np.ascontiguousarray, (x, w, scales))
    y = np.empty(len(w), x.dtype)
    _spread(gemv.into, gemv.into_parts, threads(2 * w.size), x, w, scales, y)
    return y


ladder("gemv_int8", naive=gemv.naive, streamed=_gemv_best)
