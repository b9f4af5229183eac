"""Linear algebra under NumPy's names: matrices are the last two axes, leading axes are batches."""

from aisys_lab.autodiff.numpy.contract import outer  # noqa: F401
from aisys_lab.autodiff.numpy.linalg.decompositions import (  # noqa: F401
    cholesky,
    det,
    eigh,
    eigvalsh,
    inv,
    pinv,
    qr,
    slogdet,
    solve,
    svd,
    svdvals,
)
from aisys_lab.autodiff.numpy.linalg.norms import (  # noqa: F401
    cond,
    matrix_norm,
    norm,
    vector_norm,
)
from aisys_lab.autodiff.numpy.linalg.products import (  # noqa: F401
    diagonal,
    matrix_power,
    multi_dot,
    trace,
)
from aisys_lab.autodiff.numpy.missing import say_missing
from aisys_lab.autodiff.numpy.shapes import matrix_transpose  # noqa: F401


def __getattr__(name):
    raise say_missing(name, "linalg")
