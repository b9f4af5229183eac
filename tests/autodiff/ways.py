"""One derivative in several ways, which should be one: modes over modes, graphs read back."""

import numpy as np

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp


def four_ways(f, *args, seed=1):
    """Four numbers that should be one: d/dw of ``u . J(args) v``, for random u, v and w."""
    rng = np.random.default_rng(seed)
    v, w = (tuple(rng.standard_normal(np.shape(x)) for x in args) for _ in range(2))
    u = rng.standard_normal(np.shape(f(*args)))

    def down(*xs):  # by forward mode
        return anp.sum(u * lab.jvp(f, xs, v)[1])

    def up(*xs):  # by reverse mode
        return sum(anp.sum(g * d) for g, d in zip(lab.vjp(f, *xs)[1](u), v, strict=True))

    found = [lab.jvp(g, args, w)[1] for g in (down, up)]
    return found + [sum(np.sum(a * b) for a, b in zip(lab.vjp(g, *args)[1](1.0), w, strict=True))
                    for g in (down, up)]


def through_text(f, *args):
    """What the traced graph gives, after its text was read back: the graph, and its outputs."""
    graph = lab.trace(f, *args)
    again = lab.parse(str(graph), graph.constants)
    assert again == graph
    return again, lab.interpret(again, *args)


def agree_in_second_order(f, args, tolerance=1e-9):
    """Asserts that the four ways give one number."""
    found = four_ways(f, *args)
    np.testing.assert_allclose(found, found[0], rtol=tolerance, atol=tolerance)


def agree_when_traced(f, args):
    """Asserts that the traced gradients are the eager ones, and of the specs that they say."""
    def gradients(*xs):
        return lab.vjp(f, *xs)[1](np.cos(f(*args)))
    graph, found = through_text(gradients, *args)
    for got, want, name in zip(found, gradients(*args), graph.outputs, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)
        assert graph.specs[name].fits(got)


def agree_with_torch(ours, theirs, args, tolerance):
    """Asserts that value and gradients are PyTorch's, for a random gradient of the value."""
    import torch

    out, pull = lab.vjp(ours, *args)
    u = np.asarray(np.random.default_rng(1).standard_normal(np.shape(out)), args[0].dtype)
    leaves = [torch.from_numpy(x).requires_grad_() for x in args]
    wanted = theirs(*leaves)
    wanted.backward(torch.from_numpy(u))
    np.testing.assert_allclose(out, wanted.detach().numpy(), rtol=tolerance, atol=tolerance)
    for got, leaf in zip(pull(u), leaves, strict=True):
        assert got.dtype == leaf.grad.numpy().dtype
        np.testing.assert_allclose(got, leaf.grad.numpy(), rtol=tolerance, atol=tolerance)
