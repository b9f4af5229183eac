"""This machine as a card: its peaks, bandwidths and call overhead, measured in a few seconds."""

import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from aisys_lab.chips.card import Chip, Level, Rate
from aisys_lab.chips.cards import CHIPS, HOST
from aisys_lab.core import LabError
from aisys_lab.core.text import si

BUDGET = 0.2  # seconds for one figure; the best run counts
CALL = 0.005  # seconds that one timed run lasts at least
CHAINED = 1024  # elements of one thread's chains: they stay in the first cache
CACHES = {"L1": 32 << 10, "L2": 512 << 10, "L3": 16 << 20}  # assumed where not told
VENDORS = ("AMD", "Intel", "Apple", "ARM", "Ampere", "Qualcomm", "IBM")


def measure_card(again=False) -> Chip:
    """The card of this machine, measured once a process; it is ``CHIPS['this-machine']``."""
    if again or HOST not in CHIPS:
        CHIPS.define(HOST, _measure())
    return CHIPS[HOST]


def _measure():
    threads, sizes = count_threads(), cache_sizes()
    with ThreadPoolExecutor(threads) as pool:
        peaks = {dtype: _peak(dtype, pool, threads) for dtype in ("f64", "f32")}
        reads = {name: _read(_share(name, sizes, threads), pool, threads) for name in sizes}
        memory = _triad(sizes["L3"], pool, threads)
    one = {dtype: _peak(dtype, None, 1) for dtype in peaks}
    peaks = {dtype: max(peaks[dtype], one[dtype]) for dtype in peaks}
    reach = {f"one thread {dtype}": rate for dtype, rate in one.items()}
    reach |= {f"numpy matmul {dtype}": _matmul(dtype) for dtype in peaks}
    return _card(threads, sizes, peaks, reads, memory, reach)


def _card(threads, sizes, peaks, reads, memory, reach):
    name, overhead = cpu_name(), _overhead()
    said = [f"{what} {si(rate, 'FLOP/s')}" for what, rate in reach.items()]
    return Chip(
        HOST, name, vendor=next((v for v in VENDORS if v.lower() in name.lower()), ""),
        kind="CPU", units=threads, unit="threads",
        peaks={dtype: Rate(rate, measured=True, source="multiply-add chains")
               for dtype, rate in peaks.items()},
        memory=Rate(memory, measured=True, source="triad"), memory_type="RAM",
        memory_bytes=_ram(), launch_overhead_s=overhead, reach=reach,
        note=", ".join([*said, f"a NumPy call {si(overhead, 's')}"]),
        levels=tuple(Level(level, size, "" if level == "L3" else "a core", reads[level])
                     for level, size in sizes.items()))


# ---- figures: each runs long enough to time, several times, and checks its result

def best(run, budget=BUDGET):
    """Passes a second of ``run(passes)`` at its best; the first run, which compiles, is thrown
    away, and the passes double until a run lasts."""
    passes = 1
    run(1)
    while (seconds := _seconds(run, passes)) < CALL:
        passes *= 2
    stop = time.perf_counter() + budget
    while time.perf_counter() < stop:
        seconds = min(seconds, _seconds(run, passes))
    return passes / seconds


def _seconds(run, passes):
    start = time.perf_counter()
    run(passes)
    return time.perf_counter() - start


def _everywhere(pool, task, parts):
    """``task`` of every part, each in a thread of its own."""
    return list(pool.map(task, parts)) if pool else [task(part) for part in parts]


def _peak(dtype, pool, threads):
    from aisys_lab.kernels.meter import CHAIN_FLOPS, chains
    kind = np.dtype({"f32": "float32", "f64": "float64"}[dtype]).type
    blocks = [aligned(CHAINED, kind).reshape(4, -1) for _ in range(threads)]
    half = kind(0.5)

    def run(passes):
        _everywhere(pool, lambda x: chains(x, half, half, passes), blocks)

    rate = best(run)
    _check(all((x == 1).all() for x in blocks), "multiply-add chains")  # x/2 + 1/2 runs to 1
    return rate * CHAIN_FLOPS * CHAINED * threads


def _read(size, pool, threads):
    from aisys_lab.kernels.meter import read
    blocks = [aligned(size // 8, np.int64) for _ in range(threads)]
    for block in blocks:
        block[:] = 1

    def run(passes):
        sums = _everywhere(pool, lambda x: read(x, passes), blocks)
        _check(sums == [block.size * passes for block in blocks], "read")

    return best(run) * blocks[0].nbytes * threads


def _triad(cache, pool, threads):
    from aisys_lab.kernels.meter import TRIAD_VALUES, triad
    size = min(max(4 * cache // 3, 32 << 20), 128 << 20) // 8  # three arrays: four times the cache
    arrays = out, b, c = [aligned(size, np.float64) for _ in range(3)]
    b[:], c[:] = 1, 2
    parts = [[array[i * size // threads:(i + 1) * size // threads] for array in arrays]
             for i in range(threads)]

    def run(passes):
        _everywhere(pool, lambda part: triad(*part, 3.0, passes), parts)

    rate = best(run, 2 * BUDGET)
    _check((out == 7).all(), "triad")
    return rate * TRIAD_VALUES * out.nbytes


def _matmul(dtype, n=768):
    """Operations a second of NumPy's matrix product."""
    a = np.ones((n, n), {"f32": np.float32, "f64": np.float64}[dtype])
    out = np.empty_like(a)

    def run(passes):
        for _ in range(passes):
            np.matmul(a, a, out=out)

    return best(run) * 2 * n**3


def _overhead():
    """Seconds of a NumPy call that has next to nothing to do."""
    x = np.ones(1)

    def run(passes):
        for _ in range(passes):
            np.add(x, x, out=x)

    with np.errstate(over="ignore"):
        return 1 / best(run, BUDGET / 2)


def _check(right, what):
    if not right:
        raise LabError(f"measure_card: the {what} loop computed a wrong result on this machine; "
                       f"please report it with the output of platform.platform().")


# ---- what the machine says of itself

def count_threads():
    """Hardware threads that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_name(info="/proc/cpuinfo"):
    """The processor's name, as far as the system tells."""
    try:
        lines = Path(info).read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, [*names, platform.processor(), platform.machine()]), "this machine")


def cache_shapes(folder="/sys/devices/system/cpu/cpu0/cache"):
    """``{level: (bytes, ways, bytes of a line)}`` of L1 (data), L2 and L3, from the system.

    Sizes are assumed where it does not tell; ways are None, and lines 64 bytes.
    """
    shapes = {}
    for index in sorted(Path(folder).glob("index*")):
        level, kind, size = (_told(index, name) for name in ("level", "type", "size"))
        if kind != "Instruction" and f"L{level}" in CACHES and size[:-1].isdigit():
            bytes = int(size[:-1]) << {"K": 10, "M": 20, "G": 30}.get(size[-1], 0)
            ways, line = (_told(index, name) for name in (
                "ways_of_associativity", "coherency_line_size"))
            shapes[f"L{level}"] = (bytes or CACHES[f"L{level}"], _number(ways), _number(line) or 64)
    return {level: shapes.get(level, (assumed, None, 64)) for level, assumed in CACHES.items()}


def _told(folder, name):
    """The text of a file, or nothing."""
    try:
        return (folder / name).read_text().strip()
    except (OSError, ValueError):
        return ""


def _number(text):
    """A number above zero, or None."""
    return int(text) if text.isdigit() and int(text) else None


def cache_sizes(folder="/sys/devices/system/cpu/cpu0/cache"):
    """Bytes of L1 (data), L2 and L3, from the system; assumed where it does not tell."""
    return {level: shape[0] for level, shape in cache_shapes(folder).items()}


def _share(level, sizes, threads):
    """Bytes that one thread reads to measure a level: safely inside it, outside the one above."""
    if level != "L3":
        return sizes[level] // 2
    return max(sizes["L3"] // (2 * threads), 2 * sizes["L2"])


def aligned(count, dtype):
    """Zeros that begin on a cache line."""
    raw = np.zeros(count * np.dtype(dtype).itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start:start + count * np.dtype(dtype).itemsize].view(dtype)


def _ram():
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return None
