"""The two sides of a comparison: torch and ours on one sample, arrays in and arrays out.

``u`` are cotangents of the floating-point results, ``v`` tangents of the leaves, the tensors of
the sample by which torch differentiates.
"""

import numpy as np

import aisys_lab as lab


def numpied(tree):
    """Torch's arguments as NumPy's."""
    import torch
    if isinstance(tree, torch.Tensor):
        return tree.detach().numpy()
    if isinstance(tree, torch.dtype):
        return torch.empty(0, dtype=tree).numpy().dtype
    if isinstance(tree, dict):
        return {name: numpied(x) for name, x in tree.items()}
    if isinstance(tree, list | tuple):
        return (list if isinstance(tree, list) else tuple)(map(numpied, tree))
    return tree


class Side:
    """A sample as a function of its leaves."""

    def __init__(self, sample, row):
        import torch
        from torch.utils import _pytree as pytree
        self.row, self.sample = row, sample
        self.flat, self.tree = pytree.tree_flatten((sample.input, sample.args, sample.kwargs))
        self.at = [i for i, x in enumerate(self.flat)
                   if isinstance(x, torch.Tensor) and x.requires_grad]
        self.leaves = [self.flat[i] for i in self.at]

    def filled(self, leaves):
        """``(input, args, kwargs)`` with other leaves."""
        from torch.utils import _pytree as pytree
        flat = list(self.flat)
        for i, x in zip(self.at, leaves, strict=True):
            flat[i] = x
        return pytree.tree_unflatten(flat, self.tree)


class Theirs(Side):
    """Torch; None where it has no such derivative."""

    def __init__(self, sample, row, info):
        super().__init__(sample, row)
        self.info = info

    def __str__(self):
        return self.sample.summary()

    def __call__(self, *leaves):
        import torch
        from torch.utils import _pytree as pytree
        x, args, kwargs = self.filled(leaves)
        out = self.info.gradcheck_wrapper(self.info.op, x, *args, **kwargs)
        out = (self.row.out or self.sample.output_process_fn_grad)(out)
        return [y for y in pytree.tree_leaves(out) if isinstance(y, torch.Tensor)]

    def floats(self, leaves):
        return [y for y in self(*leaves) if y.is_floating_point()]

    def value(self, u=None, v=None):
        return arrays(self(*self.leaves))

    def vjp(self, u, v):
        return arrays(gradients(self.floats(self.leaves), tensors(u), self.leaves))

    def traced(self, u, v):
        return arrays(self.floats(self.leaves)) + self.vjp(u, v)

    def second(self, u, v):
        """How the gradient moves along ``v``; reverse over reverse."""
        if not self.info.supports_gradgrad:
            return None
        g = gradients(self.floats(self.leaves), tensors(u), self.leaves, again=True)
        return arrays(gradients(g, tensors(v), self.leaves))

    def jvp(self, u, v):
        return self.forward(v) if self.info.supports_forward_ad else self.twice_reverse(v)

    def forward(self, v):
        import torch
        from torch.autograd import forward_ad
        with forward_ad.dual_level():
            duals = [forward_ad.make_dual(x.detach(), t)
                     for x, t in zip(self.leaves, tensors(v), strict=True)]
            pairs = [forward_ad.unpack_dual(y) for y in self.floats(duals)]
        return arrays(torch.zeros_like(x) if t is None else t for x, t in pairs)

    def twice_reverse(self, v):
        """J v as the gradient of u -> <v, J'u>, for ops without forward mode."""
        import torch
        if not self.info.supports_gradgrad:
            return None
        out = self.floats(self.leaves)
        u = [torch.zeros_like(y, requires_grad=True) for y in out]
        return arrays(gradients(gradients(out, u, self.leaves, again=True), tensors(v), u))


def tensors(xs):
    import torch
    return [torch.from_numpy(np.ascontiguousarray(x)).reshape(x.shape) for x in xs]


def arrays(xs):
    return [x.detach().numpy(force=True) for x in xs]


def gradients(out, u, leaves, again=False):
    """torch.autograd.grad, with zeros for what is not reached."""
    import torch
    reached = [(y, c) for y, c in zip(out, u, strict=True) if y.requires_grad]
    if not reached:
        return [torch.zeros_like(x) for x in leaves]
    out, u = zip(*reached, strict=True)
    return torch.autograd.grad(out, leaves, u, create_graph=again, materialize_grads=True)


class Ours(Side):
    """Our function, by its public verbs."""

    def __init__(self, sample, row, function):
        super().__init__(sample, row)
        self.function = function
        self.flat, self.leaves = numpied(self.flat), numpied(self.leaves)

    def __call__(self, *leaves):
        x, args, kwargs = self.filled(leaves)
        if self.row.call:
            out = self.row.call(self.function, x, *args, **kwargs)
        else:
            names = self.row.names
            out = self.function(x, *args, **{names.get(k, k): y for k, y in kwargs.items()})
        return list(out) if isinstance(out, list | tuple) else [out]

    def floats(self, *leaves):
        return [y for y in self(*leaves) if np.issubdtype(y.dtype, np.floating)]

    def value(self, u=None, v=None):
        return self(*self.leaves)

    def vjp(self, u, v):
        return list(lab.vjp(self.floats, *self.leaves)[1](u))

    def jvp(self, u, v):
        return lab.jvp(self.floats, tuple(self.leaves), tuple(v))[1]

    def second(self, u, v):
        """How the gradient moves along ``v``; forward over reverse."""
        return list(lab.jvp(lambda *leaves: lab.vjp(self.floats, *leaves)[1](u),
                            tuple(self.leaves), tuple(v))[1])

    def traced(self, u, v):
        """Results and gradients by the graph of both."""
        def both(*leaves):
            out, pull = lab.vjp(self.floats, *leaves)
            return [*out, *pull(u)]
        return list(lab.interpret(lab.trace(both, *self.leaves), *self.leaves))
