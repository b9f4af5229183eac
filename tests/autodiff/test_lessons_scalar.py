"""The scalar lesson: slopes as the full engine finds them, and a network that learns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.lessons import scalar
from aisys_lab.autodiff.lessons.scalar import Value, gradients

ANP = {"add": anp.add, "sub": anp.subtract, "mul": anp.multiply, "div": anp.divide,
       "exp": anp.exp, "log": lambda x: anp.log(anp.square(x) + 1.5), "tanh": anp.tanh,
       "relu": lambda x: anp.maximum(x, 0.0)}
OURS = {op: lambda *xs, op=op: scalar.apply(op, *xs) for op in ANP} | {
    "log": lambda x: (x * x + 1.5).log()}
TWO = ("add", "sub", "mul", "div")


def program(steps, table, *values):
    """A program that reads any earlier results, by number."""
    values = list(values)
    for op, i, j in steps:
        x, y = values[i % len(values)], values[j % len(values)]
        if op == "div":
            values.append(table["div"](x, table["add"](table["mul"](y, y), 1.0)))
        elif op in TWO:
            values.append(table[op](x, y))
        else:
            values.append(table[op](table["tanh"](x)))
    return values[-1]


STEPS = st.lists(st.tuples(st.sampled_from(sorted(ANP)), st.integers(0, 99), st.integers(0, 99)),
                 min_size=1, max_size=8)


@given(STEPS, st.integers(0, 99))
def test_programs_as_the_engine(steps, seed):
    data = np.random.default_rng(seed).normal(size=3)
    inputs = [Value(x) for x in data]
    out = program(steps, OURS, *inputs)
    value, want = lab.value_and_grad(
        lambda x: program(steps, ANP, *x) + 0.0 * anp.sum(x))(data)
    assert out.data == pytest.approx(value)
    found = gradients(out)
    assert [found.get(x, 0.0) for x in inputs] == pytest.approx(want, rel=1e-9, abs=1e-9)


def test_paths_add_up():
    x, y = Value(3), Value(2)
    z = x * y + x
    assert gradients(z)[x] == 3.0 and gradients(z)[y] == 3.0
    assert gradients(z)[x] == 3.0  # nothing was kept from the first time
    assert str(z) == "Value(9 = add of 6, 3)" and str(x) == "Value(3)"


def test_a_diamond_is_walked_in_order():
    x = Value(0.5)
    a = x.tanh()
    b = a * a
    assert gradients(b + a * b)[x] == pytest.approx(
        lab.grad(lambda x: anp.tanh(x) ** 2 + anp.tanh(x) ** 3)(0.5))


def test_long_histories_need_no_recursion():
    x = out = Value(1.0)
    for _ in range(5000):
        out = out + x
    assert gradients(out)[x] == 5001


def test_numbers_on_either_side():
    x = Value(4.0)
    assert [(2 - x).data, (2 / x).data, (x - 2).data, (-x).data] == [-2, 0.5, 2, -4]


def test_an_op_without_a_rule_is_a_sentence():
    with pytest.raises(lab.LabError, match="no rule for 'sinh'; there are rules for: add, sub"):
        scalar.apply("sinh", 1.0)


@pytest.mark.parametrize("seed", range(3))
def test_a_network_learns_two_moons(seed):
    points, labels = scalar.two_moons(40, seed=seed)
    layers, losses = scalar.train(scalar.init([2, 8, 1], seed), points, labels)
    right = sum((scalar.predict(layers, point).data > 0) == (label > 0)
                for point, label in zip(points, labels, strict=True))
    assert losses[-1] < losses[0] / 2 and right / len(labels) >= 0.9
