"""Matrix products beside NumPy's (OpenBLAS) and ONNX Runtime's."""

import numpy as np

from aisys_lab import kernels
from benchmarks.peers import one_node
from benchmarks.rows import one_thread, row

BARS = {(512, 512, 512): 1.0, (1024, 1024, 1024): 0.95, (2048, 2048, 2048): 0.92,
        (64, 784, 128): 1.05, (128, 512, 512): 1.05, (1024, 4096, 64): 1.05}
PACKED = (32, 2048, 2048)
SHORT, LONG, COUNT = 7, 2048, 48


def name_of(shape):
    """``512`` for a cube, else ``64x784x128``."""
    return str(shape[0]) if len(set(shape)) == 1 else "x".join(map(str, shape))


def operations(shape):
    """A multiplication and an addition for each of m·k·n."""
    return 2 * float(np.prod(shape))


def matrices(shape):
    """``(a, b)`` f32 [m,k] and [k,n]."""
    (m, k, n), rng = shape, np.random.default_rng(0)
    return (rng.standard_normal(size, dtype=np.float32) for size in ((m, k), (k, n)))


def ours(shape):
    a, b = matrices(shape)
    return lambda: kernels.matmul(a, b)


def theirs(shape):
    a, b = matrices(shape)
    return lambda: a @ b


def shapes(count=COUNT, seed=0):
    """Shapes whose sides are spread evenly over the powers from SHORT to LONG."""
    sides = np.random.default_rng(seed).uniform(np.log(SHORT), np.log(LONG), (count, 3))
    return tuple(tuple(int(round(n)) for n in row) for row in np.exp(sides))


for _shape, _bar in BARS.items():
    row(f"gemm-{name_of(_shape)}", "numpy", lambda s=_shape: ours(s), bar=_bar,
        work=operations(_shape))(lambda s=_shape: theirs(s))
for _size in (512, 1024, 2048):
    row(f"gemm-{_size}-2t", "numpy", lambda s=(_size,) * 3: ours(s), bar=0.9, threads=2,
        work=operations((_size,) * 3))(lambda s=(_size,) * 3: theirs(s))
row("gemm-any", "numpy", ours, bar=0.95, worst=0.8, cases=shapes(), work=operations)(theirs)


def ours_packed():
    a, b = matrices(PACKED)
    panels = kernels.pack(b)
    return lambda: kernels.matmul(a, panels)


row(f"gemm-{name_of(PACKED)}-packed", "numpy", ours_packed, bar=0.9, work=operations(PACKED))(
    lambda: theirs(PACKED))


# ---- a product with its epilogue: gelu(x w + b) + r

def layer(size=1024):
    """``(x, w, b, r)`` f32."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape, dtype=np.float32) / 8
            for shape in ((size, size), (size, size), (size,), (size, size))]


def ours_gelu():
    x, w, b, r = layer()
    return lambda: kernels.linear(x, w, b, "gelu", r)


@row("fused-gelu", "torch", ours_gelu, bar=4.0, work=operations((1024, 1024, 1024)))
def torch_gelu():
    """torch.compile of the same, which writes C++ and calls its own product."""
    torch = one_thread()
    x, w, b, r = map(torch.tensor, layer())
    run = torch.compile(lambda: torch.nn.functional.gelu(x @ w + b, approximate="tanh") + r)
    return lambda: run().numpy()


@row("fused-gelu", "jax", ours_gelu, bar=1.7, work=operations((1024, 1024, 1024)))
def jax_gelu():
    """jax.jit of the same, on one thread."""
    import jax

    arrays = [jax.numpy.asarray(a) for a in layer()]
    run = jax.jit(lambda x, w, b, r: jax.nn.gelu(x @ w + b, approximate=True) + r)
    return lambda: np.asarray(run(*arrays))


# ---- bytes

def byte_matrices(size=1024):
    """``(a, b)``: u8 and s8, square, of all values."""
    rng = np.random.default_rng(0)
    return (rng.integers(0, 256, (size, size), dtype=np.uint8),
            rng.integers(-128, 128, (size, size), dtype=np.int8))


def ours_bytes():
    a, b = byte_matrices()
    panels = kernels.pack(b)
    return lambda: kernels.matmul_int8(a, panels)


@row("int8-1024", "onnxruntime", ours_bytes, bar=1.0)
def ort_bytes():
    """MatMulInteger with b known beforehand; b is shifted to unsigned where the signed kernel
    saturates and so is not exact."""
    a, b = byte_matrices()
    exact = a.astype(np.int32) @ b.astype(np.int32)
    for right, zero in ((b, np.int8(0)), ((b.view(np.uint8) ^ 128), np.uint8(128))):
        run = one_node("MatMulInteger", {"a": a}, {"b": right, "za": np.uint8(0), "zb": zero},
                       opset=13)
        if np.array_equal(run(), exact):
            return run
    raise SystemExit("onnxruntime's product of bytes is not exact on this machine")


@row("int8-1024", "numpy", ours_bytes, bar=4.0)
def numpy_as_floats():
    """The same product in f32, which is exact no more."""
    a, b = (x.astype(np.float32) for x in byte_matrices())
    return lambda: a @ b


def rows_of_bytes(size=4096):
    rng = np.random.default_rng(0)
    return (rng.standard_normal(size, dtype=np.float32),
            rng.integers(-128, 128, (size, size), dtype=np.int8),
            rng.random(size, dtype=np.float32))


def ours_gemv():
    x, w, scales = rows_of_bytes()
    return lambda: kernels.gemv_int8(x, w, scales)


@row("gemv-int8-4096", "numpy", ours_gemv, bar=3.5)
def numpy_gemv():
    """The same with weights that were scaled beforehand and kept in f32."""
    x, w, scales = rows_of_bytes()
    w = w * scales[:, None]
    return lambda: w @ x
