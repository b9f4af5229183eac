"""How the work of training is split over ranks: one row a plan, run on every rank."""

import numpy as np

from aisys_lab.autodiff import value_and_grad
from aisys_lab.core import Table
from aisys_lab.core.tree import flatten, unflatten
from aisys_lab.distributed.collectives import COLLECTIVES, chunks

PLANS = Table("PLANS", "what each rank does: (wire, model, batches, optimizer, collective) -> "
              "(params, losses)", noun="plan")


@PLANS.row("data")
def data(wire, model, batches, optimizer, collective):
    """Data parallel: every rank has all parameters and a shard of each batch; gradients are
    averaged. (PyTorch calls this DistributedDataParallel; ours has a single bucket.)"""
    step = value_and_grad(model.loss)
    params, state = model.params, optimizer.init(model.params)
    losses = []
    for x, y in batches:
        share, (x, y) = shard(wire, x, y)
        loss, grads = step(params, x, y)
        losses.append(float(loss) * share)
        params, state = optimizer.update(params, average(grads, share, wire, collective), state)
    return params, losses


def shard(wire, x, y):
    """``(share, (x, y))``: this rank's rows of a batch, and what part of the batch they are."""
    bounds = chunks(len(x), wire.size)
    rows = slice(bounds[wire.rank], bounds[wire.rank + 1])
    return (rows.stop - rows.start) / len(x), (x[rows], y[rows])


def average(grads, share, wire, collective):
    """Gradients of the whole batch: all leaves in one vector, one all-reduce."""
    leaves, tree = flatten(grads)
    bucket = np.concatenate([g.reshape(-1) for g in leaves])
    total = COLLECTIVES[collective](bucket * bucket.dtype.type(share), wire)
    ends = np.cumsum([g.size for g in leaves])[:-1]
    return unflatten(tree, [piece.reshape(g.shape) for piece, g in
                            zip(np.split(total, ends), leaves, strict=True)])
