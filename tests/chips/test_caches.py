"""The cache simulator against a second one of dictionaries, and against counts by hand."""

from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisys_lab.chips import Cache, Hierarchy, Trace, hierarchy, miss_kinds
from aisys_lab.chips.caches import Simulation
from aisys_lab.chips.host import cache_shapes
from aisys_lab.core import LabError


class ByDictionaries:
    """The same rules, written once more: a set is an ordered dictionary, line -> dirty."""

    def __init__(self, caches):
        self.caches = caches
        self.sets = [[OrderedDict() for _ in range(cache.sets)] for cache in caches]
        self.counts = [[0, 0, 0] for _ in caches]

    def access(self, address, size, write):
        line = self.caches[0].line
        for number in range(address // line, (address + size - 1) // line + 1):
            self.ask(0, number, write)

    def ask(self, level, line, write):
        if level == len(self.caches):
            return
        lines = self.sets[level][line % self.caches[level].sets]
        self.counts[level][0] += 1
        if line in lines:
            lines.move_to_end(line)
            lines[line] |= write
            return
        self.counts[level][1] += 1
        self.make_room(level, lines)
        self.ask(level + 1, line, False)
        lines[line] = write

    def make_room(self, level, lines):
        if len(lines) == self.caches[level].ways:
            old, dirty = lines.popitem(last=False)
            if dirty:
                self.counts[level][2] += 1
                self.take(level + 1, old)

    def take(self, level, line):
        if level == len(self.caches):
            return
        lines = self.sets[level][line % self.caches[level].sets]
        if line not in lines:
            self.make_room(level, lines)
        lines[line] = True
        lines.move_to_end(line)

    def dirty(self):
        return [sum(sum(lines.values()) for lines in sets) for sets in self.sets]


@st.composite
def levels(draw):
    """One to three small caches with lines of one size."""
    line = draw(st.sampled_from([4, 16, 64]))
    shapes = draw(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 4)), min_size=1, max_size=3))
    return [Cache(sets * ways * line, ways, line) for sets, ways in shapes]


accesses = st.lists(st.tuples(st.integers(0, 700), st.integers(1, 90), st.booleans()), max_size=80)


@given(levels(), accesses)
def test_as_by_dictionaries(caches, accesses):
    naive = ByDictionaries(caches)
    for one in accesses:
        naive.access(*one)
    columns = [np.array(column) for column in zip(*accesses, strict=True)] or [np.empty(0, int)] * 3
    address, size, write = columns
    traffic = Hierarchy(caches).run(Trace(address, size, write))
    assert [[row.accesses, row.misses, row.write_backs] for row in traffic] == naive.counts
    assert [row.dirty for row in traffic] == naive.dirty()


@given(levels(), accesses, st.integers(0, 80))
def test_accesses_may_come_in_parts(caches, accesses, cut):
    at_once, in_parts = Simulation(Hierarchy(caches)), Simulation(Hierarchy(caches))
    for part in (accesses[:cut], accesses[cut:]):
        if part:
            in_parts.feed(*zip(*part, strict=True))
    if accesses:
        at_once.feed(*zip(*accesses, strict=True))
    assert at_once.traffic() == in_parts.traffic()


@given(st.lists(st.integers(0, 40), max_size=200), st.integers(1, 20))
def test_a_larger_fully_associative_cache_never_misses_more(lines, ways):
    """Inclusion (Mattson, Gecsei, Slutz and Traiger 1970)."""
    address = np.array(lines, int) * 64
    smaller, larger = (Hierarchy([Cache(64 * many)]).run(address)[0].misses
                       for many in (ways, ways + 1))
    assert larger <= smaller


@given(levels(), accesses)
def test_what_goes_in_comes_out(caches, accesses):
    """Every level gets what the one above misses; what was written is somewhere."""
    traffic = Hierarchy(caches).run(*([np.array(column) for column in
                                       ([a for a, _, _ in accesses], [w for _, _, w in accesses],
                                        [s for _, s, _ in accesses])]))
    for above, below in zip(traffic, list(traffic)[1:], strict=False):
        assert below.accesses == above.misses
    for row in traffic:
        assert row.hits + row.misses == row.accesses
        assert row.bytes == (row.misses + row.write_backs) * row.cache.line
    wrote = any(write for _, _, write in accesses)
    assert wrote == any(row.dirty or row.write_backs for row in traffic)


# ---- by hand

KIB32 = Cache(32 << 10, 8)


def test_a_stream_misses_once_a_line():
    traffic = Hierarchy([KIB32]).run(np.arange(0, 1 << 20, 4), size=4)
    assert traffic["L1"].accesses == 1 << 18
    assert traffic["L1"].misses == (1 << 20) // 64
    assert traffic["L1"].write_backs == 0
    assert traffic.memory_bytes == 1 << 20


def test_a_written_stream_goes_down_once():
    row = Hierarchy([KIB32]).run(np.arange(0, 1 << 20, 4), True, 4)[0]
    assert row.dirty == 32 * 1024 // 64
    assert row.write_backs + row.dirty == (1 << 20) // 64


def test_a_loop_that_fits_misses_once_and_a_larger_one_always():
    fits, does_not = (Hierarchy([Cache(32 << 10)]).run(np.tile(np.arange(0, size, 64), 5))[0]
                      for size in (32 << 10, (32 << 10) + 64))
    assert fits.misses == 512
    assert does_not.hits == 0


@pytest.mark.parametrize(("ways", "misses"), [(1, 40), (2, 2)])
def test_two_lines_of_one_set(ways, misses):
    """Direct mapped they push each other out, with two ways they live side by side."""
    address = np.tile([0, 4096], 20)
    assert Hierarchy([Cache(4096, ways)]).run(address)[0].misses == misses
    kinds = miss_kinds(Cache(4096, ways), address)
    assert (kinds.compulsory, kinds.capacity, kinds.conflict) == (2, 0, misses - 2)


def transposed(n, tile):
    """The trace of b[j,i] = a[i,j] in f64, tile by tile."""
    i, j = np.indices((n, n))
    order = np.lexsort([(j % tile).ravel(), (i % tile).ravel(), (j // tile).ravel(),
                        (i // tile).ravel()])
    i, j = i.ravel()[order], j.ravel()[order]
    address = np.stack([8 * (n * i + j), 8 * n * n + 8 * (n * j + i)], 1).ravel()
    return Trace(address, np.full(len(address), 8), np.tile([False, True], n * n))


def test_naive_transpose_misses_at_every_store_and_tiles_do_not():
    """n = 128 in f64: a column of b meets a new line at every number, more than 64 lines hold."""
    n, small = 128, Hierarchy([Cache(64 * 64)])
    naive, tiled = (small.run(transposed(n, tile))[0] for tile in (n, 8))
    lines = n * n * 8 // 64
    assert naive.misses == lines + n * n
    assert tiled.misses == 2 * lines
    assert tiled.write_backs + tiled.dirty == lines


def test_kinds_of_misses_add_up():
    address = np.random.default_rng(0).integers(0, 1 << 14, 4000)
    cache = Cache(4096, 2)
    kinds = miss_kinds(cache, address, size=8)
    assert kinds.compulsory == 257  # 2**14 bytes, and the one that the last ones reach into
    assert kinds.compulsory + kinds.capacity + kinds.conflict == Hierarchy(
        [cache]).run(address, size=8)[0].misses
    full = miss_kinds(Cache(4096), address, size=8)
    assert full.conflict == 0 and full.compulsory == 257
    assert str(miss_kinds(Cache(64), [0, 64, 0])) == \
        "3 misses: 2 compulsory, 1 capacity, 0 conflict"


def test_conflicts_may_be_fewer_than_none():
    """A loop a little too large: all of it misses under LRU, a direct mapped cache keeps a part."""
    kinds = miss_kinds(Cache(1024, 1), np.tile(np.arange(0, 1280, 64), 10))
    assert kinds.conflict < 0


# ---- as nouns

def test_text_forms(golden):
    caches = Hierarchy([Cache(4 << 10, 4), Cache(32 << 10, 8), Cache(256 << 10)])
    traffic = caches.run(np.tile(np.arange(0, 40 << 10, 8), 3), [True] * 5120 * 3, 8)
    golden("caches", f"{caches}\n\n{traffic}")
    assert repr(Cache(4096, 1)) == "cache: 4 KiB, direct mapped, 64 sets of 64 B lines"
    assert str(Trace(np.array([0, 8]), np.array([4, 8]), np.array([False, True]))) == \
        "2 accesses: 4 B read, 8 B written"


@pytest.mark.parametrize(("make", "words"), [
    (lambda: Cache(1000, 4), "1000 B is no whole number of sets of 4 lines of 64 B"),
    (lambda: Cache(0), "size=0; it is a whole number of 1 or more"),
    (lambda: Cache(32, 1), "no whole number of sets"),
    (lambda: Cache(4096, 2, line=0.5), "line=0.5"),
    (lambda: Hierarchy([]), "takes one or more caches"),
    (lambda: Hierarchy([4096]), "takes one or more caches"),
    (lambda: Hierarchy([Cache(4096), Cache(8192, line=32)]), r"not \[64, 32\]"),
    (lambda: Hierarchy([Cache(4096)]).run([0, -1]), "addresses of 0 or more"),
    (lambda: Hierarchy([Cache(4096)]).run([0], size=0), "accesses of 1 byte or more"),
    (lambda: Hierarchy([Cache(4096)]).run([0])["L2"], "no level 'L2'; there are: L1"),
    (lambda: hierarchy("nonsense"), "no chip 'nonsense'")])
def test_what_is_no_cache_is_a_sentence(make, words):
    with pytest.raises(LabError, match=words):
        make()


def test_caches_of_this_machine_and_of_cards():
    mine = hierarchy()
    assert [level.name for level in mine.levels] == ["L1", "L2", "L3"]
    assert all(level.size > 1024 for level in mine.levels)
    a100 = hierarchy("a100-sxm-80")
    assert a100.levels[-1].size <= 40e6
    assert [level.ways for level in a100.levels] == [8, 16]


def test_what_the_system_tells_of_caches(tmp_path):
    told = {"level": "1", "type": "Data", "size": "48K", "ways_of_associativity": "12",
            "coherency_line_size": "128"}
    for name, text in told.items():
        (tmp_path / "index0").mkdir(exist_ok=True)
        (tmp_path / "index0" / name).write_text(f"{text}\n")
    shapes = cache_shapes(tmp_path)
    assert shapes["L1"] == (48 << 10, 12, 128)
    assert shapes["L2"][1:] == (None, 64)
    (tmp_path / "index0" / "ways_of_associativity").write_text("0\n")
    assert cache_shapes(tmp_path)["L1"] == (48 << 10, None, 128)
