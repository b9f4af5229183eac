"""Counted kernels: results as compiled ones give them, counts by hand, and what is kept out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisys_lab import kernels
from aisys_lab.chips import (
    Cache,
    Hierarchy,
    count_kernel,
    count_source,
    trace_kernel,
    trace_source,
)
from aisys_lab.core import TABLES, LabError
from aisys_lab.kernels.counting.run import run_source
from aisys_lab.kernels.counting.tally import Tally
from aisys_lab.kernels.counting.world import World
from aisys_lab.kernels.isa import ISAS

SMALL = Hierarchy([Cache(2 << 10, 4), Cache(16 << 10, 8)])


def matrices(m, k, n, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1, 1, shape).astype(dtype) for shape in ((m, k), (k, n))]


def close(came, want):
    if isinstance(want, tuple):
        for one, other in zip(came, want, strict=True):
            close(one, other)
    else:
        assert came.dtype == want.dtype
        tolerance = 1e-4 if want.dtype == np.float32 else 1e-9
        np.testing.assert_allclose(came, want, tolerance, tolerance)


# ---- the ladder of the matrix product, by formula

M, K, N = 8, 5, 24
LOADS = {"naive": 2 * M * K * N, "reordered": M * K + 2 * M * K * N,
         "blocked": M * K + M * K * N // 4 + M * K * N}
STORES = {"naive": M * N, "reordered": M * N + M * K * N, "blocked": M * N + M * K * N}


@pytest.mark.parametrize("rung", list(LOADS))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_plain_loops_by_formula(rung, dtype):
    a, b = matrices(M, K, N, dtype)
    count = count_kernel("matmul", rung, a, b, caches=SMALL)
    assert (count.loads, count.stores, count.fmas) == (LOADS[rung], STORES[rung], M * K * N)
    assert count.multiplications == count.additions == count.fmas
    assert count.flops == 2 * M * K * N
    assert count.bytes == (count.loads + count.stores) * a.itemsize
    assert count.traffic["L1"].accesses == count.loads + count.stores
    assert count.loads_per_fma == count.loads / count.fmas
    close(count.result, a @ b)


@pytest.mark.parametrize("isa", list(ISAS))
def test_the_packed_product_by_formula(isa):
    """Whole tiles: every step loads rows + vectors · lanes numbers, and each c is written once."""
    unit = ISAS[isa]
    rows, wide = unit.rows, unit.vectors * unit.lanes(np.dtype("float32"))
    a, b = matrices(2 * rows, 16, 2 * wide)
    count = count_kernel("matmul", "packed", a, b, caches=SMALL, isa=isa)
    close(count.result, a @ b)
    assert count.fmas == a.shape[0] * 16 * b.shape[1]
    loads = {row.name: row.loads for row in count.arrays}
    assert sum(loads.values()) >= 4 * 16 * (rows + wide)
    assert next(row.stores for row in count.arrays if row.name == "out") == count.result.size
    assert count.held >= rows * unit.vectors
    naive = count_kernel("matmul", "naive", a, b, caches=SMALL)
    assert count.loads_per_fma < naive.loads_per_fma / 3


@given(m=st.integers(0, 20), k=st.integers(0, 20), n=st.integers(0, 40),
       rung=st.sampled_from(["naive", "reordered", "blocked", "packed"]),
       isa=st.sampled_from(list(ISAS)), layout=st.integers(0, 3), seed=st.integers(0, 9))
@settings(max_examples=30)
def test_any_shape_and_layout(m, k, n, rung, isa, layout, seed):
    a, b = matrices(m, k, n, "float64", seed)
    a = [a, np.asfortranarray(a), a[::-1], np.repeat(a, 2, 1)[:, ::2]][layout]
    b = [b, b[:, ::-1], np.asfortranarray(b), np.pad(b, 3)[3:k + 3, 3:n + 3]][layout]
    count = count_kernel("matmul", rung, a, b, isa=isa)
    close(count.result, a @ b)
    assert count.fmas >= m * k * n
    if rung != "packed":
        assert count.fmas == m * k * n


# ---- every rung of every ladder

RNG = np.random.default_rng(1)
X = RNG.normal(size=(5, 19)).astype("f")
LINE = RNG.normal(size=19).astype("f")
BYTES = RNG.integers(-128, 128, (13, 11)).astype("i1")
QKV = RNG.normal(size=(3, 1, 2, 7, 8)).astype("f")
CASES = {"matmul": matrices(7, 9, 19), "linear": matrices(7, 9, 19),
         "matmul_int8": (RNG.integers(0, 256, (9, 13)).astype("u1"), BYTES),
         "gemv_int8": (RNG.normal(size=11).astype("f"), BYTES, RNG.normal(size=13).astype("f")),
         "softmax": (X,), "log_softmax": (X,), "softmax_grad": (X, X), "log_softmax_grad": (X, X),
         "layernorm": (X, LINE, LINE), "rmsnorm": (X, LINE), "transpose2d": (X,),
         "attention": tuple(QKV), "exp": (X,), "gelu": (X,),
         "fused": (("mul", "silu", "add"), X, LINE, X)}


@pytest.mark.parametrize(("op", "rung"), [(op, rung) for op in CASES if op in kernels.KERNELS
                                          for rung in kernels.KERNELS[op]])
@pytest.mark.parametrize("isa", ["avx2", "portable"])
def test_a_counted_rung_gives_what_the_compiled_one_gives(op, rung, isa):
    count = count_kernel(op, rung, *CASES[op], isa=isa)
    close(count.result, getattr(kernels, op)(*CASES[op], kernel=rung))
    assert count.loads > 0
    assert count.stores > 0


def test_the_tables_of_the_package_stay_as_they_are():
    before = {name: (table, dict(table)) for name, table in TABLES.items()}
    count_kernel("gelu", "vectors", X)
    count_kernel("matmul", "packed", *matrices(3, 3, 3))
    assert {name: (table, dict(table)) for name, table in TABLES.items()} == before
    assert all(TABLES[name] is table for name, (table, _) in before.items())


def test_what_is_not_asked_for_is_not_run():
    with pytest.raises(LabError, match="no kernel 'fastest'"):
        count_kernel("matmul", "fastest", *matrices(2, 2, 2))
    with pytest.raises(LabError, match="no op 'matmull'"):
        count_kernel("matmull", "naive", *matrices(2, 2, 2))
    with pytest.raises(LabError, match="no instruction set 'avx3'; there are: avx512"):
        count_kernel("matmul", "naive", *matrices(2, 2, 2), isa="avx3")
    with pytest.raises(LabError, match="matmul: inner sizes differ"):
        count_kernel("matmul", "naive", *matrices(2, 3, 4)[::-1])
    with pytest.raises(LabError, match="takes float32 or float64"):
        count_kernel("matmul", "naive", np.ones((2, 2), int), np.ones((2, 2), int))
    with pytest.raises(LabError, match="count with caches"):
        count_kernel("matmul", "naive", *matrices(2, 2, 2)).intensity()


def test_an_argument_that_is_given_twice_is_one_array():
    a, _ = matrices(6, 6, 6)
    assert [row.name for row in count_kernel("matmul", "naive", a, a).arrays] == ["a", "out"]


# ---- what counts as what

def counted(lines, *args, **options):
    """A function of x and y, two arrays, whose lines are given."""
    text = "def f(x, y):\n    " + lines.replace("\n", "\n    ")
    args = args or (np.arange(6.0), np.arange(12.0).reshape(3, 4))
    return count_source(text, "f", *args, **options)


@pytest.mark.parametrize(("lines", "ops"), [
    ("return x[0] * y[0, 0]", (1, 0, 0)), ("return x[0] + y[0, 0]", (0, 1, 0)),
    ("return x[0] * x[1] + x[2]", (1, 1, 1)), ("return x[2] + x[0] * x[1]", (1, 1, 1)),
    ("return x[0] * x[1] - x[2]", (1, 1, 1)), ("return x[2] - x[0] * x[1]", (1, 1, 1)),
    ("return x[0] * x[1] + x[2] * x[3]", (2, 1, 1)), ("a = x[0]\na += x[1] * x[2]", (1, 1, 1)),
    ("a = x[0]\na -= x[1] * x[2]", (1, 1, 1)), ("a = x[1] * x[2]\nreturn a + x[0]", (1, 1, 0)),
    ("y[0, 0] += x[0] * x[1]", (1, 1, 1)), ("y[0, 0] *= x[0]", (1, 0, 0)),
    ("return x[1] + 2 * 3", (0, 1, 0)), ("a = 2\nreturn a * 3 + 1", (0, 0, 0)),
    ("return x[len(x) * 1 - 2] * 2", (1, 0, 0)), ("return -x[0]", (0, 0, 0)),
    ("a = 0.0\nfor i in range(5):\n    a += x[i] * x[i]", (5, 5, 5))])
def test_multiplications_additions_and_those_that_are_fused(lines, ops):
    count = counted(lines)
    assert (count.multiplications, count.additions, count.fmas) == ops


@pytest.mark.parametrize(("lines", "divisions", "others"), [
    ("return x[0] / x[1]", 1, 0), ("return 1 / 2", 0, 0), ("return max(x[0], x[1])", 0, 1),
    ("return max(1, 2)", 0, 0), ("return x[0] < x[1]", 0, 1), ("return len(x) < 3", 0, 0),
    ("return np.exp(x[0])", 0, 1), ("return math.sqrt(x[1])", 0, 1), ("return abs(x[1])", 0, 0),
    ("return x[0] if x[1] > x[2] else x[3]", 0, 1)])
def test_divisions_and_others(lines, divisions, others):
    count = counted(lines)
    assert (count.divisions, count.others) == (divisions, others)


@pytest.mark.parametrize(("lines", "loads", "stores"), [
    ("a = x[0]\nreturn a * a * a", 1, 0), ("return x[0] * x[0]", 2, 0), ("x[1] = 2.0", 0, 1),
    ("x[1] += 2.0", 1, 1), ("a = x[1:3]", 0, 0), ("x[1:3] = 0.0", 0, 2),
    ("x[0:4] = y[1]", 4, 4), ("a = y[1]\nreturn a[2]", 1, 0), ("a = y.T\nreturn a[3, 1]", 1, 0),
    ("a = np.empty(5)", 0, 0), ("a = np.zeros((2, 3))", 0, 6), ("return x[-1]", 1, 0),
    ("a = (x[0], x[1])\nreturn a[0] * a[1] * a[0]", 2, 0), ("a = np.empty_like(y)\na[:] = y", 12,
                                                            12)])
def test_loads_and_stores(lines, loads, stores):
    count = counted(lines)
    assert (count.loads, count.stores) == (loads, stores)


def test_registers_are_what_names_hold():
    assert counted("a, b, c = x[0], x[1], x[2]\nreturn a").held == 3
    assert counted("a = (x[0], (x[1], x[2]))\nb = len(x)\nc = x").held == 3
    text = "def g(a, b):\n    return a + b\ndef f(x, y):\n    a = x[0]\n    return g(a, x[1])"
    assert count_source(text, "f", np.ones(3), 1).held == 2


def test_arrays_get_the_names_of_the_text():
    count = counted("panel = np.empty(3)\npanel[0] = x[1]\nrow = y[1]\nreturn row[0] + panel[0]")
    assert [(row.name, row.loads, row.stores) for row in count.arrays] == [
        ("x", 1, 0), ("y", 1, 0), ("panel", 1, 1)]


def test_arguments_come_back_as_they_are_then():
    x, y = np.zeros(3), np.ones(3)
    count = counted("x[1] = y[2] + 1\nreturn x, 3, y[0:2]", x, y)
    assert count.arguments[0].tolist() == [0, 2, 0] and x.tolist() == [0, 0, 0]
    assert count.result[0].tolist() == [0, 2, 0] and count.result[1] == 3
    assert count.result[2].tolist() == [1, 1]


def test_memory_that_was_never_set_is_not_a_number():
    assert np.isnan(counted("a = np.empty(3)\nreturn a[0]").result)


def test_the_trace_has_addresses_in_order():
    trace = trace_source("def f(x, y):\n    x[2] = y[0, 1]\n    return x[1]", "f", np.zeros(6),
                         np.zeros((3, 4), "f"))
    x, y = 64, 64 + 64  # each array begins on a line of its own
    assert trace.address.tolist() == [y + 4, x + 16, x + 8]
    assert trace.size.tolist() == [4, 8, 8]
    assert trace.write.tolist() == [False, True, False]
    assert len(trace_source("def f(x):\n    return x", "f", 1)) == 0


def test_the_trace_of_registers_is_one_access_each():
    a, b = matrices(6, 3, 16)
    trace = trace_kernel("matmul", "packed", a, b)
    assert {4, 32} == set(trace.size.tolist())
    count = count_kernel("matmul", "packed", a, b, caches=Hierarchy([Cache(1 << 20)]))
    assert count.bytes == trace.size.sum()
    assert Hierarchy([Cache(1 << 20)]).run(trace) == count.traffic


def test_text_form(golden):
    golden("count", str(count_kernel("matmul", "blocked", *matrices(12, 12, 12), caches=SMALL)))
    golden("count_source", str(counted("a = 0.0\nfor i in range(6):\n    a += x[i] * x[i]\n"
                                       "return max(a / 2, x[0])")))


# ---- the fence

REFUSED = {
    "import numpy": "line 2: an import is not allowed",
    "from os import path": "line 2: an import is not allowed",
    "return x @ y": "the product @ is not allowed",
    "return np.dot(x, y)": "np.dot is not allowed in a kernel that is counted; of np there",
    "return np.matmul(x, y)": "np.matmul is not allowed", "return np.linalg": "np.linalg is not",
    "a = np\nreturn a": "the name np is not allowed", "return x.dot(y)": "a call of x.dot is not",
    "return x.sum()": "a call of x.sum", "return x.flat": "x.flat is not allowed.*have shape",
    "return sum(x)": "a call of sum is not allowed.*there are abs, bool", "return x ** 2": r"\*\*",
    "return x(1)": "a call of x", "return (lambda: 1)()": "'\\(lambda: 1\\)\\(\\)'|a lambda|lambda",
    "return [1]": "a list is not allowed", "return {1: 2}": "a dict", "return 'text'": "'text'",
    "return f'{x}'": "an f-string", "return [i for i in x]": "a comprehension",
    "for a in x:\n    pass": "a loop over x is not allowed", "return 0 < 1 < 2": "two at a time",
    "with x:\n    pass": "with is not allowed", "try:\n    pass\nfinally:\n    pass": "try is not",
    "return x.__class__": "x.__class__", "return __import__": "the name __import__",
    "_a = 1": "the name _a", "counted_add = 1": "the name counted_add", "global x": "global x",
    "return eval": "NameError", "x.T = 1": "a change of x.T", "del x": "del x", "yield x": "yield",
    "def g(a=__import__('os')):\n    pass": "a call of __import__", "return 1j": "1j",
    "@staticmethod\ndef g():\n    pass": "the decorator staticmethod", "return *x, 1": "\\*x",
    "class A:\n    pass": "a class", "assert x": "assert x",
    "return len(range(9))": r"range\(9\) outside of a for", "a = range(9)": "outside of a for",
    "return np.dtype(float)": "np.dtype is not allowed",
    "return 1 << 9": "line 2: 1 << 9 is not allowed"}


@pytest.mark.parametrize("lines", list(REFUSED))
def test_what_is_outside_the_fence_is_named(lines):
    with pytest.raises(LabError, match=REFUSED[lines]):
        counted(lines)


@pytest.mark.parametrize(("lines", "words"), [
    ("return x[6]", r"f: line 2: x\[6\]: index 6 is out of bounds for axis 0 with size 6"),
    ("return x[1.5]", "line 2: x is indexed by whole numbers and slices, not by a float"),
    ("return y[(0, 1), :]", "not by a tuple"), ("return x[x]", "not by an? Array"),
    ("return x * 2", "whole array"),
    ("return x + y", "whole array"), ("x = y * y + 1", "whole array"), ("x += 1", "whole array"),
    ("return np.exp(x)", "whole array"), ("return max(x, y)", "whole array"),
    ("return nothing", "NameError: name 'nothing' is not defined"), ("return f(x, y)", "Recursion"),
    ("return (1, 2) * 99999", "more than 4096 values"), ("return f(x)", "TypeError"),
    ("a = 2\nfor i in range(9):\n    a = a * a", "line 4: a whole number does not fit"),
    ("a = (1,)\nfor i in range(99):\n    a = a + a", "more than 4096 values"),
    ("a = (1, 2)\nfor i in range(99):\n    a = (a, a)", "more than 4096 values"),
    ("return max((1, 2))", "max takes two numbers or more"),
    ("return min((1, 2), (3, 4))", "min takes two numbers or more"),
    ("return np.empty(99999999999)", "may use 256 MiB in 30000 arrays"),
    ("return np.empty(3, range)", "arrays of object are not counted"),
    ("return np.empty((2, -3))", "size=-3; it is a whole number of 0 or more"),
    ("x[0] = y", "TypeError|ValueError|float"),
    ("a = np.empty(0)\nfor i in range(90000):\n    a = np.empty(0)", "30000 arrays"),
    ("return x[0] +", "line 2: invalid syntax"), ("return 1\n  return 2", "line 3")])
def test_what_goes_wrong_is_a_sentence_with_its_line(lines, words):
    with pytest.raises(LabError, match=words):
        counted(lines)


def test_what_does_not_end_is_stopped():
    for lines in ("while True:\n        pass", "for i in range(10 * 1000):\n        x[0] = i",
                  "for i in range(10 * 1000):\n        x[:] = 0"):
        with pytest.raises(LabError, match="line [23]: it was stopped after 5000 turns"):
            run_source(f"def f(x):\n    {lines}", "f", (np.zeros(6),), steps_most=5000)


def test_nesting_without_end_is_a_sentence():
    with pytest.raises(LabError, match="f: "):
        count_source("def f(x):\n    return " + "x[0] + " * 30_000 + "1", "f", np.ones(1))
    with pytest.raises(LabError, match="f: "):
        count_source("def f(x):\n    return " + "(" * 500 + "1" + ")" * 500, "f", np.ones(1))


def test_decorators_constants_and_own_functions_are_welcome():
    text = '''
TILE = 2

@njit(cache=True)
def add(acc: float, x: float, y: float) -> float:
    """acc + x · y"""
    return acc + x * y

@numba.njit
def dot(x, y):
    total = np.float32(0)
    for i in prange(0, len(x), TILE):
        for j in range(i, min(i + TILE, len(x))):
            total = add(total, x[j], y[j])
    return total
'''
    x, y = matrices(1, 5, 1)
    count = count_source(text, "dot", x[0], y[:, 0])
    assert count.fmas == 5
    assert count.result == pytest.approx(float((x @ y)[0, 0]), rel=1e-6)
    with pytest.raises(LabError, match="defines no function dott"):
        count_source(text, "dott", x, y)


def test_pieces_are_operations_on_registers():
    text = '''
def scale(x, out):
    p, to = pointer(x), pointer(out)
    for i in range(0, len(x), lanes(p)):
        store(load(p, i) * 2 + splat(p, 1), to, i)
'''
    pieces = ("pointer", "lanes", "load", "store", "splat")
    x = np.arange(16, dtype="f")
    for isa, registers in (("avx2", 2), ("avx512", 1)):
        count = count_source(text, "scale", x, np.empty_like(x), pieces=pieces, isa=isa)
        assert count.arguments[1].tolist() == (2 * x + 1).tolist()
        assert (count.loads, count.stores, count.fmas) == (16, 16, 16)
        assert len(trace_source(text, "scale", x, x, pieces=pieces, isa=isa)) == 2 * registers
    with pytest.raises(LabError, match="a call of pointer is not allowed"):
        count_source(text, "scale", x, x)
    with pytest.raises(LabError, match="bytes 64 to 95 of x are read; it has 64"):
        count_source(text.replace("len(x)", "len(x) + 8"), "scale", x, x, pieces=pieces)


# ---- the operations on registers, one by one

@pytest.fixture(scope="module")
def vector():
    return World(Tally(), ISAS["avx2"]).module("aisys_lab.kernels.vector")


V, W = np.array([1, -2, 3.5, np.nan, 0, 7, -8, 9], "f"), np.arange(8, dtype="f") - 3
OPERATIONS = {
    "fma": (lambda: (V, W, V), V * W + V), "maximum": (lambda: (V, W), np.where(V > W, V, W)),
    "minimum": (lambda: (V, W), np.where(V < W, V, W)),
    "greatest": (lambda: (V, W), np.maximum(V, W)),
    "sqrt": (lambda: (W + 3,), np.sqrt(W + 3)), "rounded": (lambda: (W / 2,), np.rint(W / 2)),
    "where_less": (lambda: (V, W, W, V), np.where(V < W, W, V)), "total": (lambda: (W,), W.sum()),
    "scale_by_power": (lambda: (V, W), V * 2 ** W), "largest": (lambda: (W,), W.max())}


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_an_operation_on_registers(vector, name):
    args, want = OPERATIONS[name]
    with np.errstate(all="ignore"):
        came = getattr(vector, name)(*args())
    np.testing.assert_array_equal(came, want)
    assert came.dtype == np.float32


def test_code_that_is_not_known_is_a_sentence():
    from aisys_lab.kernels.counting.builder import Builder, Tape
    with pytest.raises(LabError, match="instruction frem is not counted yet"):
        Builder(Tape()).frem(1, 2)
