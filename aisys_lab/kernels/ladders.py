"""KERNELS: for each op a ladder of kernels with one signature, slow first."""

from aisys_lab.core import Table

KERNELS = Table("KERNELS", "ladders by op: rungs of one signature, slow first", noun="op")


def ladder(op, **rungs):
    """Adds the ladder of an op: the definition first, the best last."""
    rows = Table(f"KERNELS[{op}]", f"rungs of {op}, slow first", noun="kernel")
    for name, function in rungs.items():
        rows.define(name.replace("_", "-"), function)
    return KERNELS.define(op, rows)
