"""AISys Lab: a small full stack of AI systems, one short import: ``import aisys_lab as lab``."""

import importlib
import sys

__version__ = "0.1.0"

_FACE = {
    # core
    "LabError": "core", "TABLES": "core", "SLOTS": "core", "Table": "core", "attempt": "core",
    "save_tree": "core.saving", "load_tree": "core.saving",
    # ir
    "OPS": "ir", "Graph": "ir", "Spec": "ir", "interpret": "ir", "parse": "ir", "verify": "ir",
    "work": "ir", "COUNTS": "ir", "Count": "ir", "Layer": "ir", "Network": "ir",
    "count_layer": "ir", "layer": "ir", "EXECUTORS": "ir", "Run": "ir", "execute": "ir",
    "SCHEDULERS": "ir", "Schedule": "ir", "schedule": "ir", "verify_schedule": "ir",
    # autodiff
    "VJP": "autodiff", "JVP": "autodiff", "MODES": "autodiff", "Tensor": "autodiff",
    "vjp": "autodiff", "jvp": "autodiff", "grad": "autodiff", "value_and_grad": "autodiff",
    "make_vjp": "autodiff", "make_jvp": "autodiff", "check_grads": "autodiff",
    "elementwise_grad": "autodiff", "jacobian": "autodiff", "hessian": "autodiff",
    "hessian_vector_product": "autodiff", "trace": "autodiff", "no_grad": "autodiff",
    "backward": "autodiff",
    "checkpoint": "autodiff", "custom_vjp": "autodiff", "custom_jvp": "autodiff",
    "Strided": "autodiff.views", "Dual": "autodiff.lessons.dual",
    "derivative": "autodiff.lessons.dual", "grad_transform": "autodiff.lessons.source",
    # models
    "fit": "models", "accuracy": "models", "freeze": "models",
    "NETS": "models.nets", "training_memory": "models.memory", "Memory": "models.memory",
    # compiler
    "PASSES": "compiler", "optimize": "compiler", "compile": "compiler",
    # distributed
    "COLLECTIVES": "distributed", "PLANS": "distributed", "parallelize": "distributed",
    # chips
    "CHIPS": "chips", "audit": "chips", "compare": "chips", "estimate": "chips",
    "measure_card": "chips", "roofline": "chips", "bottleneck_report": "chips",
    # compress
    "OBSERVERS": "compress", "quantize": "compress",
    # inference
    "EXPORT": "inference", "IMPORT": "inference", "save_onnx": "inference",
    "load_onnx": "inference", "Session": "inference", "serve": "inference.server",
    # exercises
    "EXERCISES": "exercises", "mine": "exercises.mine", "check": "exercises.mine",
    "report": "exercises.mine", "exercise": "exercises.mine", "bench": "core.timing",
    "Timing": "core.timing",
    # viz
    "FIGURES": "viz", "SHOW": "viz", "figure": "viz", "show": "viz", "stack": "viz",
    "tour_map": "viz",
}
_PACKAGES = ("core", "ir", "kernels", "datasets", "autodiff", "chips", "models", "compiler",
             "compress", "distributed", "inference", "viz", "exercises", "grading")


def __getattr__(name):
    if name in _PACKAGES:
        return _module(name)
    if name in _FACE:
        value = getattr(_module(_FACE[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"aisys_lab has no name {name!r}; dir(aisys_lab) lists what it has")


def _module(path):
    """A module of ours; a sentence if it needs a package that is not installed."""
    from aisys_lab.core.errors import need
    return need(f"aisys_lab.{path}")


def __dir__():
    return sorted({*globals(), *_FACE, *_PACKAGES})


def load_ipython_extension(shell):
    """``%load_ext aisys_lab``: the ``%%exercise`` magic, and errors as sentences."""
    importlib.import_module("aisys_lab.exercises.magic").register(shell)


if "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
    load_ipython_extension(sys.modules["IPython"].get_ipython())
