"""How torch's operations on arrays are called in our namespace, which has NumPy's signatures."""

import numpy as np

from aisys_lab.autodiff import numpy as anp
from autodiff.opinfo import first, row


def number(x, *args, **kwargs):
    """A 0-d array and an axis of it, which torch allows and NumPy has not."""
    return np.ndim(x) == 0 and bool(kwargs.get("dim", args[0] if args else ()) not in ((), None))


NUMBER = {"an axis of a 0-d array": number}
SOME = {"a 0-d array, which has no axis": lambda x, *args, **kwargs: x.ndim == 0}
SEVERAL = {"several axes of a 0-d array": lambda x, dim, *args: not x.ndim and type(dim) is tuple}


def axes(ours, **more):
    """A reduction with torch's dim and keepdim."""
    return row(ours, dim="axis", keepdim="keepdims", **more)


def variance(f, x, dim=None, unbiased=None, correction=1, keepdim=False):
    if isinstance(dim, bool):  # torch's old form: var(x, unbiased)
        dim, unbiased = None, dim
    ddof = correction if unbiased is None else int(unbiased)
    return f(x, axis=dim, ddof=1 if ddof is None else ddof, keepdims=keepdim)


def extreme(f, x, dim, keepdim=False):
    return f(x, axis=dim, keepdims=keepdim)


def ordered(f, x, dim=-1, descending=False, *, stable=False):
    return -f(-x, dim) if descending else f(x, dim)


def ranked(f, x, dim=-1, descending=False, *, stable=False):
    return f(-x if descending else x, dim)


def spread(f, xs):
    """Several arrays come as a list in torch, as arguments in NumPy."""
    return f(*xs) if isinstance(xs, list | tuple) else f(xs)


def counts(sizes):
    """Where torch's pieces of given sizes end, as numpy.split wants it."""
    return list(np.cumsum(sizes)[:-1])


def pieces(f, x, size, dim=0):
    """torch.split: pieces of one size (the last may be smaller), or of given sizes."""
    n = x.shape[dim]
    return f(x, list(range(size, n, size)) if isinstance(size, int) else counts(size), axis=dim)


def tail(x, pad):
    """torch's pad widths, last axis first and flat, as NumPy's."""
    pairs = list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    return [(0, 0)] * (x.ndim - len(pairs)) + pairs


def at(i, dim):
    """An index that takes ``i`` along one axis."""
    return (..., i) if dim == -1 else (*[slice(None)] * dim, i)


def places(i, dim):
    """One index an axis: ``i`` along one, each element's own along the others."""
    index = list(np.indices(i.shape))
    index[dim] = i
    return tuple(index)


def part(y, i):
    """The part of ``y`` that torch's scatter reads: as much as there are indices."""
    return y[tuple(map(slice, i.shape))] if hasattr(y, "shape") else y


def masked(f, x, mask):
    common = np.broadcast_shapes(x.shape, mask.shape)
    return f(anp.broadcast_to(x, common), np.broadcast_to(mask, common))


CROP = {"negative widths": lambda x, pad, *args: min(pad) < 0}
SAME = ("abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "add", "atan2", "ceil", "cos",
        "cosh", "exp", "exp2", "expm1", "floor", "fmod", "hypot", "log", "log10",
        "log1p", "log2", "logaddexp", "maximum", "minimum", "mul", "neg", "pow",
        "reciprocal", "remainder", "round", "sigmoid", "sign", "sin", "sinc", "sinh",
        "sqrt", "square", "sub", "tan", "tanh", "true_divide", "trunc", "erf", "copysign",
        "deg2rad", "rad2deg", "positive", "logical_not", "isnan",
        "fmax", "fmin", "logaddexp2", "copysign", "float_power", "ldexp", "isinf", "logical_xor",
        "floor_divide", "eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "isfinite")
NUMPYS = {"acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh",
          "atan": "arctan", "atanh": "arctanh", "atan2": "arctan2", "mul": "multiply",
          "neg": "negative", "pow": "power", "sub": "subtract", "eq": "equal", "ne": "not_equal",
          "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}
ELEMENTWISE = {name: row(NUMPYS.get(name, name)) for name in SAME} | {
    "div_no_rounding_mode": row("divide"), "max_binary": row("maximum"),
    "min_binary": row("minimum"), "nn_functional_relu": row("relu"),
    "__radd__": row("add", lambda f, x, y: f(y, x)),
    "__rsub__": row("subtract", lambda f, x, y: f(y, x)),
    "__rmul__": row("multiply", lambda f, x, y: f(y, x)),
    "__rdiv__": row("divide", lambda f, x, y: f(y, x)),
    "__rpow__": row("power", lambda f, x, y: f(y, x)),
    "__rmatmul__": row("matmul", lambda f, x, y: f(y, x)),
    "clamp": row("clip"),
    "clamp_min": row("maximum"), "clamp_max": row("minimum"),
    "where": row("where", lambda f, x, condition, y: f(condition, x, y)),
    "masked_fill": row("where", lambda f, x, mask, value: f(mask, value, x)),
    "nan_to_num": row("nan_to_num", posinf="posinf", neginf="neginf"),
}
REDUCTIONS = {
    "sum": axes("sum"), "mean": axes("mean"), "amax": axes("max"), "amin": axes("min"),
    "prod": axes("prod"),
    "nansum": axes("nansum"), "all": axes("all"), "any": axes("any"),
    "var": row("var", variance), "var_unbiased": row("var", variance),
    "std": row("std", variance), "std_unbiased": row("std", variance),
    "max_reduction_no_dim": row("max"), "min_reduction_no_dim": row("min"),
    "max_reduction_with_dim": row("max", extreme, out=first),
    "min_reduction_with_dim": row("min", extreme, out=first),
    "argmax": axes("argmax", unless=NUMBER), "argmin": axes("argmin", unless=NUMBER),
    "cumsum": row("cumsum", unless=NUMBER), "cumprod": row("cumprod", unless=NUMBER),
    "count_nonzero": axes("count_nonzero"), "nanmean": axes("nanmean"),
    "logsumexp": row("logsumexp", unless=SEVERAL),
    "softmax": row("softmax", lambda f, x, dim: f(x, dim)),
    "log_softmax": row("log_softmax", lambda f, x, dim: f(x, dim)),
    "sort": row("sort", ordered, out=first, unless=SOME),
    "msort": row("sort", lambda f, x: f(x, 0)),
    "argsort": row("argsort", ranked, unless=SOME),
    "trapezoid": row("trapezoid", dim="axis"), "trapz": row("trapezoid", dim="axis"),
    "diff": row("diff", lambda f, x, n=1, dim=-1, prepend=None, append=None:
                f(x, n, dim, **{k: v for k, v in {"prepend": prepend, "append": append}.items()
                                if v is not None})),
}
SHAPES = {
    "broadcast_to": row("broadcast_to"), "reshape": row("reshape"), "view": row("reshape"),
    "expand": row("broadcast_to", lambda f, x, shape: f(x, [
        x.shape[k - len(shape)] if n == -1 else n for k, n in enumerate(shape)])),
    "ravel": row("ravel"), "flatten": row("ravel"),
    "permute": row("transpose"), "transpose": row("swapaxes", unless=NUMBER),
    "T": row("transpose"), "mT": row("swapaxes", lambda f, x: f(x, -1, -2)), "t": row("transpose"),
    "movedim": row("moveaxis"), "squeeze": row("squeeze", unless={
        **NUMBER, "an axis that is not 1 long, which torch leaves": lambda x, dim=None:
        dim is not None and np.ndim(x) and x.shape[dim] != 1}),
    "squeeze_multiple": row("squeeze", unless={
        **NUMBER, "an axis that is not 1 long, which torch leaves": lambda x, dim:
        any(x.shape[d] != 1 for d in dim)}),
    "unsqueeze": row("expand_dims"),
    "atleast_1d": row("atleast_1d", spread), "atleast_2d": row("atleast_2d", spread),
    "atleast_3d": row("atleast_3d", spread),
    "cat": row("concatenate", lambda f, xs, dim=0: f(xs, dim), unless={
        "an empty vector that torch leaves out": lambda xs, *args, **kwargs:
        len({x.ndim for x in xs}) > 1}),
    "stack": row("stack"), "hstack": row("hstack"), "vstack": row("vstack"),
    "dstack": row("dstack"), "column_stack": row("column_stack"),
    "split": row("split", pieces), "split_list_args": row("split", pieces),
    "split_with_sizes": row("split", pieces), "chunk": row("array_split", unless={
        "pieces unlike numpy.array_split's": lambda x, n, dim=0: x.shape[dim] % n}),
    "tensor_split": row("array_split", lambda f, x, at, dim=0: f(
        x, at.tolist() if isinstance(at, np.ndarray) else at, axis=dim)),
    "hsplit": row("hsplit"), "vsplit": row("vsplit"), "dsplit": row("dsplit"),
    "broadcast_tensors": row("broadcast_arrays"),
    "unbind": row("unstack", lambda f, x, dim=0: f(x, axis=dim)),
    "flip": row("flip", dims="axis"), "fliplr": row("fliplr"), "flipud": row("flipud"),
    "roll": row("roll"), "rot90": row("rot90"),
    "tile": row("tile"), "repeat": row("tile"),
    "repeat_interleave": row("repeat", lambda f, x, repeats, dim=None: f(x, repeats, dim)),
    "meshgrid_variadic_tensors": row("meshgrid"),
    "meshgrid_list_of_tensors": row(
        "meshgrid", lambda f, xs, indexing: f(*xs, indexing=indexing)),
    "tril": row("tril"), "triu": row("triu"), "trace": row("trace"), "diag": row("diag"),
    "diagflat": row("diagflat", offset="k"), "diagonal": row(
        "diagonal", dim1="axis1", dim2="axis2"),
    "constant_pad_nd": row("pad", lambda f, x, pad, value=0.0: f(
        x, tail(x, pad), constant_values=value), unless=CROP),
    "nn_functional_pad_constant": row("pad", lambda f, x, pad, mode="constant", value=0.0: f(
        x, tail(x, pad), mode, constant_values=value), unless=CROP),
    "nn_functional_pad_reflect": row("pad", lambda f, x, pad, mode: f(x, tail(x, pad), mode),
                                     unless=CROP),
    "nn_functional_pad_replicate": row("pad", lambda f, x, pad, mode: f(x, tail(x, pad), "edge"),
                                       unless=CROP),
    "nn_functional_pad_circular": row("pad", lambda f, x, pad, mode: f(x, tail(x, pad), "wrap"),
                                      unless=CROP),
    "clone": row("copy", lambda f, x: f(x)),
    "zeros_like": row("zeros_like"), "ones_like": row("ones_like"),
}
INDEXING = {
    "__getitem__": row("getitem"), "select": row("take", lambda f, x, dim, i: f(x, i, dim)),
    "slice": row("getitem", lambda f, x, dim=0, start=None, end=None, step=1: f(
        x, (slice(None),) * dim + (slice(start, end, step),))),
    "narrow": row("getitem", lambda f, x, dim, start, length: f(
        x, (slice(None),) * (dim % x.ndim) + (slice(start, start + length),))),
    "index_select": row("take", lambda f, x, dim, i: f(x, i, dim), unless=NUMBER),
    "take": row("take"),
    "gather": row("take_along_axis", lambda f, x, dim, i: f(x, i.astype(int), dim), unless={
        **NUMBER, "an empty index of another rank": lambda x, dim, i: x.ndim != i.ndim}),
    "take_along_dim": row("take_along_axis", lambda f, x, i, dim=None: f(
        x, i.ravel() if dim is None else i, dim)),
    "masked_select": row("getitem", masked, unless={
        "a single truth value": lambda x, mask: x.ndim == mask.ndim == 0}),
    "index_add": row("index_add", lambda f, x, dim, i, y, alpha=1: f(x, at(i, dim), alpha * y),
                     unless=NUMBER),
    "index_copy": row("index_set", lambda f, x, dim, i, y: f(x, at(i, dim), y), unless=NUMBER),
    "index_fill": row("index_set", lambda f, x, dim, i, y: f(x, at(i, dim), y), unless={
        **NUMBER, "one place twice": lambda x, dim, i, y: len(set(i.tolist())) < i.size},
        few="few samples, half of them with repeated or 0-d places"),
    "index_put": row("index_set", lambda f, x, i, y, accumulate=False:
                     (anp.index_add if accumulate else f)(x, i, y)),
    "scatter_add": row("index_add", lambda f, x, dim, i, y: f(x, places(i, dim), part(y, i)),
                       unless=NUMBER),
    "scatter": row("index_set", lambda f, x, dim, i, y: f(x, places(i, dim), part(y, i)), unless={
        **NUMBER, "one place twice": lambda x, dim, i, y: len(set(zip(*(
            np.ravel(k) for k in places(i, dim)), strict=True))) < i.size}),
    "topk": row("topk", lambda f, x, k, dim=-1, *flags: f(x, k, dim), unless=SOME),
    "nn_functional_embedding": row("take", lambda f, x, i: f(x, i, 0)),
}
PRODUCTS = {
    "matmul": row("matmul"), "mm": row("matmul"), "bmm": row("matmul"), "mv": row("matmul"),
    "dot": row("dot"), "vdot": row("vdot"), "inner": row("inner"), "outer": row("outer"),
    "kron": row("kron"), "einsum": row("einsum", lambda f, xs, text: f(text, *xs), unless={
        "an ellipsis summed over, which NumPy refuses": lambda xs, text:
        text == "...ik, ...j -> ij"}),
    "tensordot": row("tensordot", dims="axes", unless={
        "axes of different length, which NumPy refuses": lambda x, y, dims:
        x.shape == (1, 1, 1)}),
}
ROWS = ELEMENTWISE | REDUCTIONS | SHAPES | INDEXING | PRODUCTS
