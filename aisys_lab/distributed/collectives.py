"""All-reduce, written out as messages: what every rank sends to whom, and how many bytes."""

import numpy as np

from aisys_lab.core import Table

COLLECTIVES = Table("COLLECTIVES", "all-reduce: (array, wire) -> the sum over ranks",
                    noun="collective")


class Wire:
    """One rank's end of the network; counts what this rank sends."""

    def __init__(self, comm):
        self.comm, self.rank, self.size = comm, comm.rank, comm.size
        self.sent = self.messages = 0

    def exchange(self, outgoing, to, incoming, source):
        """Sends one array and receives another at the same time, so that a ring cannot lock up."""
        self.sent += outgoing.nbytes
        self.messages += 1
        self.comm.Sendrecv(outgoing, dest=to, recvbuf=incoming, source=source)


def chunks(n, p):
    """Bounds of ``p`` pieces of ``n`` elements; the first ``n % p`` pieces are one longer."""
    size, longer = divmod(n, p)
    return [k * size + min(k, longer) for k in range(p + 1)]


@COLLECTIVES.row("ring")
def ring(array, wire):
    """Reduce-scatter, then all-gather, each of p - 1 steps to the right-hand neighbour.

    Patarasu and Yuan 2009: each rank sends about 2 (p - 1) / p of the array, however many ranks.
    """
    out = np.array(array).reshape(-1)
    bounds = chunks(out.size, wire.size)
    pieces = [out[a:b] for a, b in zip(bounds, bounds[1:], strict=False)]
    for step in range(wire.size - 1):  # reduce-scatter: each piece collects its sum on the way
        got = _pass_on(pieces, wire, wire.rank - step)
        pieces[(wire.rank - step - 1) % wire.size] += got
    for step in range(wire.size - 1):  # all-gather: the finished pieces go round once
        got = _pass_on(pieces, wire, wire.rank - step + 1)
        pieces[(wire.rank - step) % wire.size][:] = got
    return out.reshape(np.shape(array))


def _pass_on(pieces, wire, k):
    """Sends piece ``k`` to the right and returns piece ``k - 1``, which comes from the left."""
    p = wire.size
    got = np.empty_like(pieces[(k - 1) % p])
    wire.exchange(pieces[k % p], (wire.rank + 1) % p, got, (wire.rank - 1) % p)
    return got


@COLLECTIVES.row("native")
def native(array, wire):
    """The MPI library's own Allreduce; what it sends is not seen by our counters."""
    array = np.ascontiguousarray(array)
    out = np.empty_like(array)
    wire.comm.Allreduce(array, out)
    return out


def ring_bytes(n, p, rank, itemsize):
    """Exactly what ``rank`` sends in one ring all-reduce of ``n`` elements over ``p`` ranks.

    Every piece twice, but two: 2 (p - 1) / p n itemsize where p divides n.
    """
    bounds = chunks(n, p)
    skipped = sum(bounds[k % p + 1] - bounds[k % p] for k in (rank + 1, rank + 2))
    return (2 * n - skipped) * itemsize if p > 1 else 0
