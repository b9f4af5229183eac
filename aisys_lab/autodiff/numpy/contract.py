"""Products that sum over axes: matmul and its kin; einsum is in a module of its own."""

from aisys_lab.autodiff.numpy.base import as_input, axis_of, ndim, shape
from aisys_lab.autodiff.numpy.elementwise import multiply
from aisys_lab.autodiff.numpy.rearrange import roll
from aisys_lab.autodiff.numpy.shapes import moveaxis, ravel, reshape
from aisys_lab.core import LabError
from aisys_lab.ir import bind, spec_of


def matmul(a, b):
    """The matrix product of the last two axes; a vector on either side stands for a matrix."""
    return bind("matmul", as_input(a), as_input(b))


def tensordot(a, b, axes=2):
    """Sums products over pairs of axes: the last ``axes`` of a with the first of b, or two lists
    of as many axes. The other axes of a come first, then those of b."""
    if hasattr(axes, "__index__"):
        axes = (list(range(ndim(a) - axes, ndim(a))), list(range(axes)))
    left, right = ([axis_of(x, k, "tensordot", ndim(x))
                    for k in (side if isinstance(side, tuple | list) else [side])]
                   for x, side in zip((a, b), axes, strict=True))
    if [shape(a)[k] for k in left] != [shape(b)[k] for k in right]:
        raise LabError(f"tensordot: axes {left} of {spec_of(a)} and {right} of {spec_of(b)} "
                       f"differ in length.")
    joined = [shape(a)[k] for k in left]
    a = moveaxis(a, left, list(range(ndim(a) - len(left), ndim(a))))
    b = moveaxis(b, right, list(range(len(right))))
    rest = shape(a)[:ndim(a) - len(joined)], shape(b)[len(joined):]
    rows, inner, columns = map(merged_size, (rest[0], joined, rest[1]))
    return reshape(matmul(reshape(a, (rows, inner)), reshape(b, (inner, columns))),
                   rest[0] + rest[1])


def merged_size(sizes):
    """The length of axes merged to one; the name of the only one that is not of length one."""
    named = [n for n in sizes if isinstance(n, str)]
    if named and all(n == 1 for n in sizes if n is not named[0]):
        return named[0]
    if named:
        raise LabError(f"axis {named[0]} has no length yet, so it does not merge with another; "
                       f"trace with that axis closed.")
    size = 1
    for n in sizes:
        size *= n
    return size


def dot(a, b):
    """Matrices and vectors as matmul; numbers multiply; of more axes, the last of a with the last
    but one of b."""
    if not ndim(a) or not ndim(b):
        return multiply(a, b)
    if ndim(b) == 1 or ndim(a) <= 2 and ndim(b) == 2:
        return matmul(a, b)
    return tensordot(a, b, (-1, -2))


def vdot(a, b):
    """The sum of products of all elements, in order."""
    return matmul(ravel(a), ravel(b))


def inner(a, b):
    """The last axis of a with the last of b."""
    return tensordot(a, b, (-1, -1)) if ndim(a) and ndim(b) else multiply(a, b)


def outer(a, b):
    """Each element of a times each of b: ``[size of a, size of b]``."""
    return multiply(reshape(a, (-1, 1)), reshape(b, (1, -1)))


def kron(a, b):
    """The Kronecker product: each element of a times the whole of b, laid out side by side."""
    rank = max(ndim(a), ndim(b))
    one, two = ((1,) * (rank - ndim(x)) + shape(x) for x in (a, b))
    wide = multiply(reshape(a, [m for n in one for m in (n, 1)]),
                    reshape(b, [m for n in two for m in (1, n)]))
    return reshape(wide, [n * m for n, m in zip(one, two, strict=True)])


def cross(a, b, axis=-1):
    """The vector product of three numbers with three, along ``axis``."""
    for x in (a, b):
        if shape(x)[axis_of(x, axis, "cross", ndim(x))] != 3:
            raise LabError(f"cross: {spec_of(x)} should have three elements along axis {axis}.")
    return (multiply(roll(a, -1, axis), roll(b, -2, axis))
            - multiply(roll(a, -2, axis), roll(b, -1, axis)))
