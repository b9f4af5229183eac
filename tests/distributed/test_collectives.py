"""The ring without MPI: threads pass the messages, so every size and rank count is cheap."""

import queue
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisys_lab.core import LabError
from aisys_lab.distributed import COLLECTIVES, Wire, chunks, ring_bytes


class Threads:
    """A communicator among threads with the one call that the ring uses."""

    def __init__(self, rank, boxes):
        self.rank, self.size, self.boxes = rank, len(boxes), boxes

    def Sendrecv(self, outgoing, dest, recvbuf, source):
        self.boxes[dest].put((self.rank, outgoing.copy()))
        sender, got = self.boxes[self.rank].get(timeout=10)
        assert sender == source and got.shape == recvbuf.shape
        recvbuf[...] = got


def together(arrays):
    """``(sums, wires)`` of one ring all-reduce, a thread a rank."""
    boxes = [queue.Queue() for _ in arrays]
    wires = [Wire(Threads(k, boxes)) for k in range(len(arrays))]
    sums = [None] * len(arrays)

    def work(k):
        sums[k] = COLLECTIVES["ring"](arrays[k], wires[k])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(arrays))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    return sums, wires


@given(st.integers(1, 6), st.integers(0, 40), st.integers(0, 99))
def test_ring_sums_with_the_same_bits_and_the_bytes_of_the_formula(p, n, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(n) for _ in range(p)]
    before = [a.copy() for a in arrays]
    sums, wires = together(arrays)
    for k in range(p):
        np.testing.assert_allclose(sums[k], np.sum(arrays, axis=0), atol=1e-12)
        assert sums[k].tobytes() == sums[0].tobytes()
        assert np.array_equal(arrays[k], before[k])
        assert wires[k].sent == ring_bytes(n, p, k, 8)
        assert wires[k].messages == 2 * (p - 1)
    assert sum(w.sent for w in wires) == 2 * (p - 1) * n * 8


@given(st.integers(1, 9), st.integers(0, 100))
def test_ring_bytes_are_the_formula_up_to_two_elements(p, n):
    for rank in range(p):
        assert abs(ring_bytes(n, p, rank, 8) - 2 * (p - 1) / p * n * 8) <= 2 * 8
        if n % p == 0:
            assert ring_bytes(n, p, rank, 8) == 2 * (p - 1) * n * 8 // p


def test_chunks_cover_and_differ_by_at_most_one():
    assert chunks(10, 4) == [0, 3, 6, 8, 10]
    assert chunks(2, 4) == [0, 1, 2, 2, 2]


def test_ring_keeps_shape_and_dtype():
    sums, _ = together([np.full((2, 3), k, np.float32) for k in (1, 2)])
    assert sums[0].shape == (2, 3) and sums[0].dtype == np.float32 and sums[0][0, 0] == 3


def test_unknown_collective_lists_the_rows():
    with pytest.raises(LabError, match="no collective 'gossip' in COLLECTIVES.*native, ring"):
        COLLECTIVES["gossip"]
