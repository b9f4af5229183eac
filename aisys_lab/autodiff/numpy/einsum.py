"""Einstein's notation: products summed over letters, composed of transpose, reshape and matmul."""

import functools
import re
from collections import Counter

from aisys_lab.autodiff.numpy.base import as_input, ndim, shape
from aisys_lab.autodiff.numpy.contract import matmul, merged_size
from aisys_lab.autodiff.numpy.elementwise import multiply
from aisys_lab.autodiff.numpy.indexing import diagonal
from aisys_lab.autodiff.numpy.reductions import sum
from aisys_lab.autodiff.numpy.shapes import reshape, transpose
from aisys_lab.core import LabError
from aisys_lab.ir import spec_of

DOTS = [chr(k) for k in range(0x1000, 0x1040)]  # letters for the axes that ... stands for


def einsum(subscripts, *operands):
    """Sums of products by letters of axes: ``einsum("ij,jk->ik", a, b)`` is ``a @ b``.

    A letter that the result lacks is summed over; without ``->`` the result has the letters that
    stand once, in order of the alphabet. ``...`` stands for any axes, broadcast. Operands are
    joined from left to right, two at a time.
    """
    operands = [as_input(x) for x in operands]
    terms, out = _terms(subscripts, tuple(map(ndim, operands)))
    sizes = _sizes(subscripts, terms, operands)
    pairs = [_single(term, x, sizes) for term, x in zip(terms, operands, strict=True)]
    letters, x = pairs[0]
    for k, (others, y) in enumerate(pairs[1:], 1):
        later = set(out).union(*(term for term, _ in pairs[k + 1:]))
        letters, x = _join(letters, x, others, y, later)
    return _result(letters, x, out)


@functools.lru_cache(maxsize=256)
def _terms(subscripts, ranks):
    """Letters of each operand and of the result; those of an ellipsis come from ``DOTS``."""
    text = subscripts.replace(" ", "") if isinstance(subscripts, str) else ""
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if not re.fullmatch(r"([A-Za-z]*(\.\.\.)?[A-Za-z]*,?)+(->[A-Za-z]*(\.\.\.)?[A-Za-z]*)?", text):
        raise LabError(f"einsum: {subscripts!r} does not read; it is letters an operand, as in "
                       f"'ij,jk->ik'.")
    if len(terms) != len(ranks):
        raise LabError(f"einsum: {subscripts!r} names {len(terms)} operands, got {len(ranks)}.")
    terms = [_spelled(subscripts, term, rank) for term, rank in zip(terms, ranks, strict=True)]
    dots = [c for c in DOTS[::-1] if any(c in term for term in terms)]
    if not arrow:
        counts = Counter(c for term in terms for c in term)
        return terms, [*dots, *sorted(c for c, n in counts.items() if n == 1 and c not in DOTS)]
    out = [*right.replace("...", "".join(dots))]
    wrong = [c for c in out if out.count(c) > 1 or not any(c in term for term in terms)]
    if wrong:
        raise LabError(f"einsum: the result of {subscripts!r} names {wrong[0]!r} twice, or no "
                       f"operand has it.")
    return terms, out


def _spelled(subscripts, term, rank):
    """The letters of one operand, an ellipsis written out (its last axis is the first letter)."""
    rest = rank - len(term.replace("...", ""))
    if rest < 0 or rest and "..." not in term:
        raise LabError(f"einsum: {term!r} of {subscripts!r} names the axes of an operand that has "
                       f"{rank}.")
    return [*term.replace("...", "".join(DOTS[:rest][::-1]))]


def _sizes(subscripts, terms, operands):
    """The length of each letter's axis; 1 gives way to any other."""
    sizes = {}
    for term, x in zip(terms, operands, strict=True):
        for letter, n in zip(term, shape(x), strict=True):
            if sizes.setdefault(letter, n) == 1:
                sizes[letter] = n
            if n not in (1, sizes[letter]):
                raise LabError(f"einsum: {subscripts!r}: axes of one letter have lengths {n} and "
                               f"{sizes[letter]} ({', '.join(map(str, map(spec_of, operands)))}).")
    return sizes


def _single(letters, x, sizes):
    """An operand without repeated letters, and without axes of length one that broadcast."""
    narrow = [k for k, c in enumerate(letters) if shape(x)[k] == 1 != sizes[c]]
    if narrow:
        x = reshape(x, [n for k, n in enumerate(shape(x)) if k not in narrow])
        letters = [c for k, c in enumerate(letters) if k not in narrow]
    while len(set(letters)) < len(letters):
        c = next(c for c in letters if letters.count(c) > 1)
        first = letters.index(c)
        second = letters.index(c, first + 1)
        x = diagonal(x, 0, first, second)
        letters = [d for k, d in enumerate(letters) if k not in (first, second)] + [c]
    return letters, x


def _join(a_letters, a, b_letters, b, later):
    """Two operands as one: letters in both that nobody needs later are summed by matmul."""
    a_letters, a = _drop(a_letters, a, {*b_letters, *later})
    b_letters, b = _drop(b_letters, b, {*a_letters, *later})
    both = [c for c in a_letters if c in b_letters and c in later]
    joined = [c for c in a_letters if c in b_letters and c not in later]
    rows = [c for c in a_letters if c not in b_letters]
    columns = [c for c in b_letters if c not in a_letters]
    length = dict(zip(a_letters + b_letters, shape(a) + shape(b), strict=True))
    out = [*both, *rows, *columns]
    if not joined:
        return out, multiply(_aligned(a, a_letters, out), _aligned(b, b_letters, out))
    left = _merged(a, a_letters, (both, rows, joined), length)
    right = _merged(b, b_letters, (both, joined, columns), length)
    return out, reshape(matmul(left, right), [length[c] for c in out])


def _drop(letters, x, needed):
    """Sums over the letters that nobody needs."""
    axes = tuple(k for k, c in enumerate(letters) if c not in needed)
    return ([c for c in letters if c in needed], sum(x, axes)) if axes else (letters, x)


def _ordered(x, letters, wanted):
    order = [letters.index(c) for c in wanted]
    return x if order == list(range(len(order))) else transpose(x, order)


def _aligned(x, letters, wide):
    """Axes in the order of ``wide``, of length one where x has no such letter."""
    x = _ordered(x, letters, [c for c in wide if c in letters])
    own = iter(shape(x))
    return reshape(x, [next(own) if c in letters else 1 for c in wide])


def _merged(x, letters, groups, length):
    """One axis a group: first those of the batch, each its own, then rows and columns."""
    x = _ordered(x, letters, [c for group in groups for c in group])
    batch, *matrix = groups
    return reshape(x, [*(length[c] for c in batch),
                       *(merged_size([length[c] for c in group]) for group in matrix)])


def _result(letters, x, out):
    letters, x = _drop(letters, x, set(out))
    return _ordered(x, letters, out)
