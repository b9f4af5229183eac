"""The same nets in torch, with our first weights copied into them."""

import numpy as np

from aisys_lab.autodiff import nn
from aisys_lab.core.tree import flatten, unflatten
from aisys_lab.models import GPT, MLP


def twin(model, torch, rows=False):
    """A torch module that computes what the model does; ``rows``: of images as rows of numbers."""
    if isinstance(model, GPT):
        return _gpt(model, torch)
    named = _mlp(model) if isinstance(model, MLP) else model.net.children()
    layers = [_layer(layer, model.params.get(name), torch) for name, layer in named]
    shape = [torch.nn.Unflatten(1, model.image)] if rows else []
    return torch.nn.Sequential(*shape, *layers)


def _mlp(model):
    """The layers of an MLP by name."""
    for i, (n, m) in enumerate(zip(model.sizes, model.sizes[1:], strict=False), 1):
        yield from ([] if i == 1 else [(f"relu{i}", nn.Activation("relu"))])
        yield f"layer{i}", nn.Linear(n, m)


def _layer(layer, params, torch):
    """One layer of ours as one of torch's."""
    module = TORCH[type(layer)](torch.nn, layer)
    for name, ours in (params or {}).items():
        theirs = getattr(module, NAMES.get(name, name))
        flip = name == "w" and isinstance(layer, nn.Linear)  # torch keeps it [outputs, inputs]
        theirs.data = torch.tensor(np.ascontiguousarray(ours.T if flip else ours))
    return module


NAMES = {"w": "weight", "b": "bias", "gamma": "weight", "beta": "bias", "mean": "running_mean",
         "var": "running_var"}
TORCH = {
    nn.Linear: lambda t, it: t.Linear(it.inputs, it.outputs, it.bias),
    nn.Conv2d: lambda t, it: t.Conv2d(it.inputs, it.outputs, it.kernel, it.stride, it.padding,
                                      groups=it.groups, bias=it.bias),
    nn.BatchNorm2d: lambda t, it: t.BatchNorm2d(it.width, it.eps, it.momentum),
    nn.LayerNorm: lambda t, it: t.LayerNorm(it.width, it.eps),
    nn.Activation: lambda t, it: {"relu": t.ReLU(), "gelu": t.GELU("tanh")}[it.name],
    nn.MaxPool2d: lambda t, it: t.MaxPool2d(it.window),
    nn.GlobalAvgPool: lambda t, it: t.Sequential(t.AdaptiveAvgPool2d(1), t.Flatten()),
    nn.Flatten: lambda t, it: t.Flatten(),
}


def _gpt(model, torch):
    """The GPT as torch has it: fused attention and layer norm, embeddings tied to the head."""
    F = torch.nn.functional
    leaves, tree = flatten(model.params)
    held = torch.nn.ParameterList([torch.nn.Parameter(torch.tensor(leaf)) for leaf in leaves])

    def norm(x, p):
        return F.layer_norm(x, (model.width,), p["gamma"], p["beta"], 1e-5)

    def linear(x, p):
        return x @ p["w"] + p["b"]

    def attend(x, p):
        n, t, width = x.shape
        q, k, v = linear(x, p["qkv"]).reshape(n, t, 3, model.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return linear(mixed.transpose(1, 2).reshape(n, t, width), p["out"])

    class Twin(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.held = held

        def forward(self, ids):
            p = unflatten(tree, held)
            x = p["token"][ids] + p["position"][:ids.shape[1]]
            for i in range(1, model.depth + 1):
                a, b = (p[f"block{i}"][part]["body"] for part in ("attend", "think"))
                x = x + attend(norm(x, a["norm"]), a["heads"])
                x = x + linear(F.gelu(linear(norm(x, b["norm"]), b["up"]), approximate="tanh"),
                               b["down"])
            return norm(x, p["norm"]) @ p["token"].T

    return Twin()
