"""The tape lesson: gradients as the full engine finds them, and no stale value unnoticed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.lessons import tape as lesson
from aisys_lab.autodiff.lessons.tape import Tape, exp, relu, sum_to, tanh

SHAPES = [(), (3,), (1,), (2, 3), (2, 1), (1, 3), (4, 2, 3), (4, 1, 1)]
ENGINE = {"exp": anp.exp, "tanh": anp.tanh, "relu": lambda x: anp.maximum(x, 0.0),
          "log": anp.log, "sum": anp.sum}
TAPE = {name: getattr(lesson, name) for name in ("exp", "tanh", "relu", "log")} | {"sum": sum_to}


def program(steps, table, values):
    """Operators on any two earlier results; all of it goes into the sum."""
    values = list(values)
    for op, i, j in steps:
        x, y = values[i % len(values)], values[j % len(values)]
        values.append({"add": lambda x, y: x + y, "sub": lambda x, y: 1 - x - y,
                       "mul": lambda x, y: table["tanh"](x) * y, "neg": lambda x, y: -x,
                       "div": lambda x, y: x / (2.0 + table["tanh"](y)),
                       "log": lambda x, y: table["log"](1.5 + table["tanh"](x)),
                       "exp": lambda x, y: table["exp"](table["tanh"](x)),
                       "relu": lambda x, y: table["relu"](x - 0.1),
                       "tanh": lambda x, y: table["tanh"](x)}[op](x, y))
    total = table["sum"](values[0])
    for value in values[1:]:
        total = total + table["sum"](value)
    return total


OPS = ("add", "sub", "mul", "neg", "div", "log", "exp", "relu", "tanh")
STEPS = st.lists(st.tuples(st.sampled_from(OPS), st.integers(0, 99), st.integers(0, 99)),
                 min_size=1, max_size=7)


@given(STEPS, st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3), st.integers(0, 99))
def test_programs_with_broadcasting_as_the_engine(steps, shapes, seed):
    rng = np.random.default_rng(seed)
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return
    data = [rng.normal(size=shape) for shape in shapes]
    tape = Tape()
    inputs = [tape.input(x) for x in data]
    out = program(steps, TAPE, inputs)
    value, pull = lab.vjp(lambda *xs: program(steps, ENGINE, xs), *data)
    assert out.array == pytest.approx(value)
    for got, want in zip(tape.gradients(out, inputs), pull(np.float64(1.0)), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)


@given(STEPS, st.integers(0, 99))
def test_second_order_by_recording_the_walk(steps, seed):
    rng = np.random.default_rng(seed)
    data, v = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    tape = Tape()
    x = tape.input(data)
    slope, = tape.gradients(program(steps, TAPE, [x]), [x], record=True)
    if isinstance(slope, np.ndarray):
        return  # a constant gradient: nothing of x is left in it
    got, = tape.gradients(sum_to(slope * v), [x])
    want = lab.hessian_vector_product(lambda x: program(steps, ENGINE, [x]))(data, v)
    np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-8)


def test_a_network_step():
    rng = np.random.default_rng(0)
    data = [rng.normal(size=shape) for shape in ((5, 3), (3, 4), (4,), (4, 2))]
    tape = Tape()
    x, w, b, u = map(tape.input, data)
    out = sum_to(relu(x @ w + b) @ u / 5.0)
    want = lab.vjp(lambda x, w, b, u: anp.sum(anp.maximum(x @ w + b, 0.0) @ u / 5.0), *data)[1](1.0)
    for got, wanted in zip(tape.gradients(out, [x, w, b, u]), want, strict=True):
        np.testing.assert_allclose(got, wanted)


def test_it_prints_as_a_list():
    tape = Tape()
    x, y = tape.input([1.0, 2.0]), tape.input([[3.0], [4.0]])
    sum_to(tanh(x * y) + 2 * x + np.ones(2))
    assert str(tape) == """\
v0 = input          f64[2]
v1 = input          f64[2,1]
v2 = mul v0 v1      f64[2,2]
v3 = tanh v2        f64[2,2]
v4 = mul 2 v0       f64[2]
v5 = add v3 v4      f64[2,2]
v6 = add v5 f64[2]  f64[2,2]
v7 = sum v6         f64[]"""


def test_what_was_written_in_place_is_no_longer_what_it_was():
    tape = Tape()
    x = tape.input([1.0, 2.0, 3.0])
    h = x * x
    h[0] = 5.0
    np.testing.assert_allclose(tape.gradients(sum_to(h * h), [x])[0], [0, 32, 108])


@pytest.mark.parametrize(("f", "stale"), [
    (exp, True), (tanh, True), (lambda h: h * h, True), (lambda h: 2.0 * h, True),
    (lambda h: h + h, False), (lambda h: -h, False), (sum_to, False)])
def test_writing_in_place_matters_where_a_rule_needs_the_value(f, stale):
    tape = Tape()
    x = tape.input([1.0, 2.0, 3.0])
    h = x + 0.0
    out = f(h)
    (out if f in (exp, tanh) else h)[1] = 7.0
    total = sum_to(out)
    if not stale:
        assert tape.gradients(total, [x])[0].shape == (3,)
        return
    with pytest.raises(lab.LabError, match=r"v2 = \w+ needs a value that was written in place"):
        tape.gradients(total, [x])


def test_writing_into_a_transposed_copy_leaves_the_original():
    tape = Tape()
    x = tape.input(np.ones((2, 3))) * 1.0
    y = x.T
    y[0] = 5.0
    assert x.array.max() == 1.0


def test_float32_stays():
    tape = Tape()
    x = tape.input(np.float32([1, 2]))
    assert tape.gradients(sum_to(2.0 * exp(x) / 3), [x])[0].dtype == np.float32


@pytest.mark.parametrize(("work", "sentence"), [
    (lambda t, x: x.__setitem__(0, 1.0), "v0 is an input, by which gradients are asked"),
    (lambda t, x: t.gradients(x, [x]), r"v0 is f64\[2\]; it should be one number"),
    (lambda t, x: x + Tape().input([1.0]), "add: the operands lie on different tapes")])
def test_sentences(work, sentence):
    tape = Tape()
    with pytest.raises(lab.LabError, match=sentence):
        work(tape, tape.input([1.0, 2.0]))
