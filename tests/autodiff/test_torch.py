"""Values and gradients of the tour's operations against PyTorch, where it is installed."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.optim import SGD, Adam
from autodiff.ways import agree_with_torch

torch = pytest.importorskip("torch", reason="PyTorch is not installed; make test PEERS=1 adds it")
F = torch.nn.functional
N = np.random.default_rng(0).standard_normal
LABELS = np.array([1, 0, 3])
CASES = {
    "add": (anp.add, torch.add, (3, 4), (4,)), "sub": (anp.subtract, torch.sub, (3, 1), (3, 4)),
    "mul": (anp.multiply, torch.mul, (3, 4), (1, 4)),
    "div": (lambda x, y: x / (y * y + 1), lambda x, y: x / (y * y + 1), (3, 4), (3, 4)),
    "pow": (lambda x: x ** 3, lambda x: x ** 3, (3, 4)),
    "matmul": (anp.matmul, torch.matmul, (2, 3, 4), (4, 5)),
    "dot": (anp.matmul, torch.matmul, (4,), (4,)),
    "relu": (anp.relu, torch.relu, (3, 4)), "tanh": (anp.tanh, torch.tanh, (3, 4)),
    "sigmoid": (anp.sigmoid, torch.sigmoid, (3, 4)),
    "gelu": (anp.gelu, lambda x: F.gelu(x, approximate="tanh"), (3, 4)),
    "exp": (anp.exp, torch.exp, (3, 4)), "abs": (anp.abs, torch.abs, (3, 4)),
    "log": (lambda x: anp.log(x * x), lambda x: torch.log(x * x), (3, 4)),
    "softmax": (anp.softmax, lambda x: F.softmax(x, -1), (3, 4)),
    "log_softmax": (anp.log_softmax, lambda x: F.log_softmax(x, -1), (3, 4)),
    "logsumexp": (lambda x: anp.logsumexp(x, 0), lambda x: torch.logsumexp(x, 0), (3, 4)),
    "cross_entropy": (lambda x: anp.cross_entropy(x, LABELS),
                      lambda x: F.cross_entropy(x, torch.from_numpy(LABELS)), (3, 4)),
    "layernorm": (anp.layernorm, lambda x, g, b: F.layer_norm(x, (4,), g, b), (3, 4), (4,), (4,)),
    "mean": (lambda x: anp.mean(x, 0), lambda x: torch.mean(x, 0), (3, 4)),
    "var": (lambda x: anp.var(x, 1), lambda x: torch.var(x, 1, correction=0), (3, 4)),
    "amax": (lambda x: anp.max(anp.floor(x), 1), lambda x: torch.amax(torch.floor(x), 1), (3, 4)),
    "max ties": (lambda x: anp.max(x * 0, 1), lambda x: torch.amax(x * 0, 1), (3, 4)),
    "maximum": (anp.maximum, torch.maximum, (3, 4), (3, 4)),
    "where": (lambda x, y: anp.where(x > y, x, 2 * y),
              lambda x, y: torch.where(x > y, x, 2 * y), (3, 4), (3, 4)),
    "concatenate": (lambda x, y: anp.concatenate([x, y]), lambda x, y: torch.cat([x, y]),
                    (3, 4), (2, 4)),
    "slice": (lambda x: x[1:, ::2], lambda x: x[1:, ::2], (3, 4)),
    "transpose": (lambda x: anp.transpose(x, (1, 2, 0)), lambda x: x.permute(1, 2, 0), (2, 3, 4)),
}


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 2e-6)])
@pytest.mark.parametrize("name", CASES)
def test_value_and_gradients(name, dtype, tolerance):
    ours, theirs, *shapes = CASES[name]
    args = [N(shape).astype(dtype) for shape in shapes]
    agree_with_torch(ours, theirs, args, tolerance)


@pytest.mark.parametrize("ours, theirs", [
    (SGD(0.1), lambda p: torch.optim.SGD(p, 0.1)),
    (SGD(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
    (Adam(1e-2), lambda p: torch.optim.Adam(p, 1e-2)),
], ids=["sgd", "momentum", "adam"])
def test_ten_steps_of_training(ours, theirs):
    model = lab.models.MLP([6, 5, 4], dtype="float64")
    x, y = N((8, 6)), np.random.default_rng(1).integers(0, 4, 8)
    leaves = [torch.from_numpy(a.copy()).requires_grad_() for layer in model.params.values()
              for a in layer.values()]
    w1, b1, w2, b2 = leaves
    params, state, other = model.params, ours.init(model.params), theirs(leaves)
    for _ in range(10):
        params, state = ours.update(params, lab.grad(model.loss)(params, x, y), state)
        other.zero_grad()
        hidden = torch.relu(torch.from_numpy(x) @ w1 + b1)
        F.cross_entropy(hidden @ w2 + b2, torch.from_numpy(y)).backward()
        other.step()
    for got, leaf in zip((a for layer in params.values() for a in layer.values()), leaves,
                         strict=True):
        np.testing.assert_allclose(got, leaf.detach().numpy(), rtol=1e-9, atol=1e-11)
