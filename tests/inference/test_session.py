"""A session gives what the oracle gives, compiled or not, and says which."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.core import LabError


def test_compiled_equals_the_oracle(mlp, digits):
    session = lab.Session(mlp)
    for n in (1, 3, 8):
        x = digits[1].x[:n]
        np.testing.assert_allclose(session(x)[0], lab.interpret(session.graph, x)[0], rtol=1e-5,
                                   atol=1e-5)
    assert str(session) == ("session mlp: x f32[N,64] -> t5 f32[N,10], 6 nodes, 9.64 kB of "
                            "constants, compiled by numba")


def test_ops_without_loops_are_interpreted_and_named(mlp, digits):
    q = lab.quantize(mlp, digits[0].x)
    with lab.attempt():
        lab.OPS["opaque_exp"] = lab.OPS["exp"]
        text = str(q).replace("output t5", "y : f32[N,10] = opaque_exp(t5)\n  output y")
        session = lab.Session(lab.parse(text, q.constants))
        assert "interpreted (compile: no loop form for '" in str(session)
        (out,) = session(digits[1].x[:5])
    np.testing.assert_allclose(out, np.exp(lab.interpret(q, digits[1].x[:5])[0]))


def test_a_wrong_shape_is_a_sentence(mlp):
    with pytest.raises(LabError, match=r"input x should be f32\[N,64\], got f32\[2,63\]"):
        lab.Session(mlp)(np.zeros((2, 63), np.float32))


def test_no_such_backend(mlp):
    with pytest.raises(LabError, match="no backend 'gpu' in BACKENDS"):
        lab.Session(mlp, backend="gpu")
