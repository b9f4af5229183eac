"""How torch's linear algebra is called in our namespace, which has NumPy's."""

from autodiff.opinfo import first, row


def turned(x):
    """Matrices transposed."""
    axes = (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)
    return x.transpose(axes)


def symmetric(f, x, **kwargs):
    """As torch's samples are: of a matrix plus its transpose."""
    return f(x + turned(x), **kwargs)


def signless(f, x, UPLO="L"):
    """Eigenvectors but for their signs, which are arbitrary."""
    values, vectors = f(x + turned(x), UPLO)
    return values, abs(vectors)


def thin(f, x, full_matrices=True):
    """The thin U and Vh but for their signs; torch's full ones are cut to these."""
    u, s, vh = f(x, full_matrices=False)
    return abs(u), s, abs(vh)


def cut(usv):
    k = usv[1].shape[-1]
    return usv[0][..., :k].abs(), usv[1], usv[2][..., :k, :].abs()


def solve(f, a, b, *, left=True):
    """torch takes b[..., N] for vectors where it fits, NumPy 2 only b[N]."""
    vectors = b.ndim > 1 and b.shape == a.shape[:-1]
    return f(a, b[..., None])[..., 0] if vectors else f(a, b)


ROWS = {
    "linalg_inv": row("linalg.inv"), "linalg_inv_ex": row("linalg.inv", out=first),
    "linalg_solve": row("linalg.solve", solve), "linalg_solve_ex": row(
        "linalg.solve", solve, first),
    "linalg_det": row("linalg.det"), "linalg_slogdet": row("linalg.slogdet"),
    "linalg_pinv": row("linalg.pinv", lambda f, x, rtol=None: f(x, rtol)),
    "linalg_cholesky": row("linalg.cholesky", symmetric),
    "cholesky": row("linalg.cholesky", symmetric),
    "linalg_eigh": row("linalg.eigh", signless, lambda out: (out[0], out[1].abs())),
    "linalg_eigvalsh": row("linalg.eigvalsh", symmetric),
    "linalg_svd": row("linalg.svd", thin, cut), "linalg_svdvals": row("linalg.svdvals"),
    "linalg_qr": row("linalg.qr", unless={
        "mode='complete'": lambda x, mode="reduced": mode == "complete"}),
    "linalg_norm": row("linalg.norm", dim="axis", keepdim="keepdims"),
    "linalg_matrix_norm": row("linalg.norm", lambda f, x, kind="fro", dim=(-2, -1), keepdim=False:
                              f(x, kind, dim, keepdim)),
    "linalg_vector_norm": row("linalg.vector_norm", dim="axis", keepdim="keepdims"),
    "linalg_cond": row("linalg.cond"), "linalg_matrix_power": row("linalg.matrix_power"),
    "linalg_multi_dot": row("linalg.multi_dot"),
    "linalg_diagonal": row("diagonal", lambda f, x, offset=0, dim1=-2, dim2=-1: f(
        x, offset, dim1, dim2)),
    "linalg_cross": row("cross", dim="axis"), "cross": row("cross", dim="axis"),
}
