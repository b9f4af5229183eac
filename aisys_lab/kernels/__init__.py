"""Numba kernels: one signature, several speeds; the naive one is the definition.

``lab.kernels.matmul(a, b)`` takes the best kernel for this host and these arrays;
``lab.kernels.KERNELS["matmul"]`` is the ladder up to it. Numba is imported when the first of these
names is used, and each kernel is compiled on its first use, once a machine.
"""

import importlib

_FACE = {
    "KERNELS": "ladders",
    "matmul": "products", "linear": "products", "pack": "products",
    "matmul_int8": "products", "gemv_int8": "products",
    "hot_loop": "hotloop",
    "elementwise": "chains", "fused": "chains", "FUNCTIONS": "expressions",
    **dict.fromkeys(("exp", "expm1", "log", "tanh", "sigmoid", "erf", "relu", "silu", "gelu",
                     "relu_grad", "silu_grad", "gelu_grad", "tanh_grad", "sigmoid_grad"),
                    "activations"),
    "softmax": "softmax_rows", "log_softmax": "softmax_rows",
    "softmax_grad": "softmax_grads", "log_softmax_grad": "softmax_grads",
    "layernorm": "norms", "rmsnorm": "norms",
    "layernorm_grad": "norm_grads", "rmsnorm_grad": "norm_grads",
    **dict.fromkeys(("batchnorm", "batchnorm_train", "batchnorm_grad"), "batchnorms"),
    "cross_entropy": "losses", "cross_entropy_grad": "losses",
    **dict.fromkeys(("sum", "mean", "max", "argmax"), "reductions"),
    "transpose2d": "transposes",
    **dict.fromkeys(("unpack_nc4hw4", "pack_nc1hwc0", "unpack_nc1hwc0", "nchw_to_nhwc",
                     "nhwc_to_nchw"), "layouts"),
    **dict.fromkeys(("FRACTALS", "pack_fractal", "unpack_fractal"), "fractals"),
    "depthwise": "conv.depthwise", "conv2d_int8": "conv.int8",
    "pointwise": "conv.separable", "depthwise_pointwise": "conv.separable",
    **dict.fromkeys(("conv2d_input", "conv2d_weight", "depthwise_input", "depthwise_weight"),
                    "conv.gradients"),
    **dict.fromkeys(("max_pool", "max_pool_input", "sum_pool", "sum_pool_input", "avg_pool",
                     "avg_pool_input"), "pooling"),
    **dict.fromkeys(("attention", "attention_forward", "attention_backward", "attention_decode"),
                    "attention_ladder"),
    "attention_cost": "attention_costs",
    **dict.fromkeys(("conv2d", "pack_conv", "conv2d_workspace", "conv2d_multiplications"),
                    "conv.convolution"),
}

_LESSONS = {  # small versions to read; they need no Numba
    "im2col": "im2col", "conv_gemm": "im2col",
    "winograd_matrices": "winograd", "winograd": "winograd",
    "pack_nc4hw4": "indirect", "indirect_table": "indirect", "indirect_conv": "indirect",
    "microkernel": "microkernel", "online_softmax_attention": "online", "compiled": "compiled",
}


def __getattr__(name):
    if name in _LESSONS:
        module = importlib.import_module(f"aisys_lab.kernels.lessons.{_LESSONS[name]}")
        return globals().setdefault(name, getattr(module, name))
    if name not in _FACE:
        raise AttributeError(f"aisys_lab.kernels has no name {name!r}")
    for module in dict.fromkeys(_FACE.values()):  # all of them: each adds its ladders to KERNELS
        importlib.import_module(f"aisys_lab.kernels.{module}")
    globals().update((known, getattr(importlib.import_module(f"aisys_lab.kernels.{module}"), known))
                     for known, module in _FACE.items())
    return globals()[name]


def __dir__():
    return sorted({*globals(), *_FACE, *_LESSONS})
