"""What lab V.1 asks of shapes: broadcasting, and its transpose."""

import numpy as np

from aisys_lab.exercises.declare import AnswerError, Case, brief, edits, exercise

BY_AXES = '''
def broadcast(*shapes):
    rank = max(map(len, shapes), default=0)
    out = [1] * rank
    for shape in shapes:
        for place, n in enumerate(shape, rank - len(shape)):
            if n != 1 and out[place] not in (1, n):
                raise ValueError(f"{out[place]} against {n}")
            if n != 1:
                out[place] = n
    return tuple(out)
'''
PAIRS = '''
from functools import reduce
from itertools import zip_longest

def pair(a, b):
    out = []
    for n, m in zip_longest(reversed(a), reversed(b), fillvalue=1):
        if 1 not in (n, m) and n != m:
            raise ValueError(f"{n} and {m}")
        out.insert(0, m if n == 1 else n)
    return tuple(out)

def broadcast(*shapes):
    return reduce(pair, shapes, ())
'''
WRONG_BROADCASTS = edits(BY_AXES, {
    "the larger length": ("            if n != 1:\n                out[place] = n\n",
                          "            out[place] = max(out[place], n)\n"),
    "lines shapes up at the front": ("enumerate(shape, rank - len(shape))", "enumerate(shape)"),
    "rank of the first": ("max(map(len, shapes), default=0)", "len(shapes[0]) if shapes else 0"),
    "takes anything": ("out[place] not in (1, n)", "False"),
    "stretches what divides": ("out[place] not in (1, n)",
                               "isinstance(n, int) and isinstance(out[place], int) and "
                               "out[place] and n and out[place] % n and n % out[place]"),
    "the first length stands": ("            if n != 1:\n                out[place] = n\n",
                                "            if out[place] == 1 and shape is shapes[0]:\n"
                                "                out[place] = n\n"),
    "an empty axis loses": ("            if n != 1:\n                out",
                            "            if n not in (0, 1):\n                out"),
    "knows two shapes": ("for shape in shapes:", "for shape in shapes[:2]:"),
})
SUMS = '''
def unbroadcast(g, x):
    anp = lab.autodiff.numpy
    target = anp.shape(x)
    lead = anp.ndim(g) - len(target)
    axes = list(range(lead))
    for axis, n in enumerate(target):
        if n == 1 and anp.shape(g)[lead + axis] != 1:
            axes.append(lead + axis)
    return anp.reshape(anp.sum(g, tuple(axes)), target) if axes else g
'''
ONE_AXIS = '''
def unbroadcast(g, x):
    while len(g.shape) > len(x.shape):
        g = lab.autodiff.numpy.sum(g, axis=0)
    for axis in range(len(x.shape)):
        if x.shape[axis] == 1:
            g = lab.autodiff.numpy.sum(g, axis=axis, keepdims=True)
    return g
'''
WRONG_SUMS = edits(SUMS, {
    "keeps the reduced axes": ("anp.reshape(anp.sum(g, tuple(axes)), target)",
                               "anp.sum(g, tuple(axes), keepdims=True)"),
    "drops the axes of length one": ("anp.reshape(anp.sum(g, tuple(axes)), target)",
                                     "anp.sum(g, tuple(axes))"),
    "leading axes only": ("if n == 1 and", "if False and"),
    "axes of length one only": ("list(range(lead))", "[]"),
    "counts axes from the front": ("anp.shape(g)[lead + axis] != 1:\n            axes.append(lead "
                                   "+ axis)", "anp.shape(g)[axis] != 1:\n            "
                                              "axes.append(axis)"),
    "the mean": ("anp.sum(g, tuple(axes))",
                 "anp.sum(g, tuple(axes)) * (math.prod(target) / max(math.prod(g.shape), 1))",
                 "def unbroadcast", "import math\n\ndef unbroadcast"),
    "the first element": ("anp.reshape(anp.sum(g, tuple(axes)), target)",
                          "anp.reshape(anp.max(g, tuple(axes)), target)"),
    "sums where nothing was broadcast": ("axes = list(range(lead))", "axes = list(range(lead or "
                                                                     "anp.ndim(g)))"),
    "reshapes without summing": ("anp.reshape(anp.sum(g, tuple(axes)), target)",
                                 "anp.reshape(g, target)"),
    "cannot be traced": ("anp.sum(g, tuple(axes))", "np.sum(g, tuple(axes))"),
})


@exercise("autodiff.broadcast", code="V.1-B", points=4, mutants=WRONG_BROADCASTS,
          different={"axis by axis": BY_AXES, "pair by pair": PAIRS},
          hides=("ir.spec:broadcast_shapes", "ir.spec:broadcast"))
def broadcast(answer, rng):
    """broadcast(*shapes) gives the shape, a tuple, to which the shapes broadcast: they are lined
    up at their last axes, a missing axis counts as length 1, and along each axis all lengths
    other than 1 must be the same; that is the length of the result. Where they are not, it raises
    a ValueError. A length may be 0, or a name such as 'N' for a length known only at run time: a
    name fits itself and 1. No shapes give ()."""
    fixed = [(), ((),), ((3,), ()), ((2, 1), (3,)), ((1, 3), (2, 1), (4, 1, 1)), ((0,), (1,)),
             ((2, 1), (1, 0)), ((5,), (1,), (1, 1)), ((1, 2), (2,), (2, 2)), ((4,), (2, 1))]
    for shapes in [*fixed, *(_shapes(rng) for _ in range(20))]:
        want, came = np.broadcast_shapes(*shapes), _tried(answer, shapes)
        yield Case(came == want, f"broadcast{shapes}: expected {want}, came {came}")
        back = _tried(answer, shapes[::-1])
        yield Case(back == came, f"broadcast of {shapes[::-1]}, the other way round: expected "
                                 f"{came}, came {back}")
    for shapes, want in ((((1, "N"), (3, 1)), (3, "N")), (("N",), ("N",)), ((("N",), ()), ("N",)),
                         ((("N", 1), ("N", 4), (4,)), ("N", 4))):
        shapes = shapes if isinstance(shapes[0], tuple) else (shapes,)
        came = _tried(answer, shapes)
        yield Case(came == want, f"broadcast{shapes}: expected {want}, came {came}")
    for shapes in (((2,), (3,)), ((4, 1), (2, 3), (5, 1)), ((0,), (2,)), ((2, 3), (2, 1, 2)),
                   ((2,), (4,)), (("N",), (3,)), ((1, "N"), ("M",)), ((3,), (1,), (6,))):
        came = _tried(answer, shapes)
        yield Case(came == "a ValueError", f"broadcast{shapes}: expected a ValueError, came {came}")


def _shapes(rng, many=None):
    """Shapes that broadcast to one another."""
    full = tuple(int(n) for n in rng.choice([0, 1, 2, 3, 4], int(rng.integers(1, 5)),
                                            p=[0.1, 0.2, 0.3, 0.2, 0.2]))
    return tuple(tuple(n if rng.random() < 0.6 else 1 for n in full[int(rng.integers(len(full))):])
                 for _ in range(many or int(rng.integers(2, 5))))


def _tried(answer, shapes):
    try:
        came = answer(*shapes)
    except AnswerError as error:
        return f"a {error.kind}"
    return tuple(came) if isinstance(came, list | tuple) else came


@exercise("autodiff.unbroadcast", code="V.1-B", points=4, driver="traced", mutants=WRONG_SUMS,
          different={"all sums at once": SUMS, "axis after axis": ONE_AXIS},
          hides=("autodiff.rules.broadcasting:unbroadcast", "autodiff.lessons.tape:sum_to",
                 "autodiff.lessons.tape:_sum_to"))
def unbroadcast(answer, rng):
    """unbroadcast(g, x) undoes broadcasting for a gradient: x was broadcast to the shape of g, and
    g is summed over all axes along which x was repeated, so that the result has the shape of x
    (and the dtype of g). Of x only the shape counts. It is the transpose of broadcasting: for
    every y of the shape of g, the sum of y times x broadcast equals the sum of x times
    unbroadcast(y, x). The engine calls it with arrays, and with tensors while it traces or
    differentiates again; so compute with lab.autodiff.numpy (sum, reshape, shape, ndim), which
    takes both."""
    fixed = [((2, 3), (2, 3)), ((3,), (2, 3)), ((1, 3), (2, 3)), ((2, 1), (2, 3)), ((), (2, 3)),
             ((1,), (4, 2)), ((1, 1), (1, 5)), ((3, 1), (2, 3, 4)), ((1,), (1,)), ((1, 2), (1, 2)),
             ((1, 3), (0, 3)), ((2, 1, 1), (4, 2, 1, 3)), ((), ())]
    drawn = [_shapes(rng, 1)[0] for _ in range(12)]
    pairs = fixed + [(s, np.broadcast_shapes(s, _wider(rng, s))) for s in drawn]
    for shape, full in pairs:
        dtype = np.float32 if rng.random() < 0.3 else np.float64
        yield from _undone(answer, rng.standard_normal(shape).astype(dtype),
                           rng.standard_normal(full).astype(dtype))


def _wider(rng, shape):
    """A shape to which this one broadcasts."""
    more = rng.integers(1, 4, int(rng.integers(3))).tolist()
    return (*more, *(int(rng.integers(1, 4)) if n == 1 and rng.random() < 0.7 else n
                     for n in shape))


def _undone(answer, x, g):
    """By a loop over all elements, and by the law of transposes."""
    want = np.zeros(x.shape)
    for at in np.ndindex(g.shape):
        own = at[len(at) - x.ndim:]
        want[tuple(0 if n == 1 else i for i, n in zip(own, x.shape, strict=True))] += g[at]
    given = f"unbroadcast of a gradient {list(g.shape)} to {list(x.shape)}"
    for way, came in zip(("", ", traced"), answer(g, x), strict=True):
        yield Case(came.shape == x.shape, f"{given}{way}: expected shape {list(x.shape)}, came "
                                          f"{list(came.shape)}")
        yield Case(came.dtype == g.dtype, f"{given}{way}: expected {g.dtype}, came {came.dtype}")
        yield Case(came.shape == x.shape and np.allclose(came, want, 1e-4, 1e-4),
                   f"{given}{way}: expected {brief(want.round(4))}, came {brief(came)}")
        left, right = np.sum(g * x), np.sum(x * came)
        yield Case(np.allclose(left, right, 1e-4, 1e-4), f"{given}{way}, sum of g times x "
                   f"broadcast, {left:.6g}: expected as sum of x times the result, came "
                   f"{right:.6g}")
