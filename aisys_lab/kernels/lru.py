"""The loop of the cache simulator: levels of sets of lines, the least recently used one goes.

``tags`` holds the sets of all levels one after another, each with its most recently used line
first: line number · 2, plus 1 if the line is dirty; EMPTY where there is none yet.
"""

from numba import njit

EMPTY = -2
START, SETS, WAYS = range(3)  # columns of the levels
ACCESSES, MISSES, WRITE_BACKS = range(3)  # columns of the counts


@njit(cache=True, nogil=True, error_model="numpy")
def touch(tags, levels, level, line, dirty):
    """Puts a line in front of its set on a level: ``(hit, what fell out)``."""
    ways = levels[level, WAYS]
    first = levels[level, START] + line % levels[level, SETS] * ways
    if tags[first] >> 1 == line:
        tags[first] |= dirty
        return True, EMPTY
    moved = tags[first]
    for at in range(first + 1, first + ways):
        moved, tags[at] = tags[at], moved
        if moved >> 1 == line:
            tags[first] = moved | dirty
            return True, EMPTY
    tags[first] = line << 1 | dirty
    return False, moved


@njit(cache=True, nogil=True, error_model="numpy")
def write_back(tags, levels, counts, level, fallen):
    """A line that fell out of a level goes to the one below if it is dirty, and so on down."""
    while fallen & 1:
        counts[level, WRITE_BACKS] += 1
        level += 1
        if level == len(levels):
            return
        _, fallen = touch(tags, levels, level, fallen >> 1, 1)


@njit(cache=True, nogil=True, error_model="numpy")
def access(tags, levels, counts, line, write):
    """One line is asked for at the top, and on each level below as long as it is not found."""
    for level in range(len(levels)):
        counts[level, ACCESSES] += 1
        hit, fallen = touch(tags, levels, level, line, write)
        if hit:
            return
        counts[level, MISSES] += 1
        write_back(tags, levels, counts, level, fallen)
        write = 0


@njit(cache=True, nogil=True, error_model="numpy")
def feed(tags, levels, counts, each, address, size, write):
    """Accesses in their order; one that reaches over several lines of ``each`` bytes is several.

    ``levels`` i64[n,3]: where the tags of a level begin, its sets, its ways. ``counts`` i64[n,3].
    """
    for i in range(len(address)):
        line, last = address[i] // each, (address[i] + size[i] - 1) // each
        access(tags, levels, counts, line, int(write[i]))
        for more in range(line + 1, last + 1):
            access(tags, levels, counts, more, int(write[i]))
