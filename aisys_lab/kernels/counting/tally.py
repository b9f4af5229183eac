"""What a counted run writes down: operations on data, and every access to memory in its order."""

from array import array

import numpy as np

from aisys_lab.core import LabError

LINE = 64  # bytes: every array begins on a line of its own, behind the one before it
STEPS_MOST = 30_000_000  # turns of loops and calls after which a run is stopped
BYTES_MOST = 1 << 28  # of all arrays together
ARRAYS_MOST = 30_000
CHUNK = 1 << 20  # accesses that are handed on at a time
COUNTERS = ("multiplications", "additions", "fmas", "divisions", "others", "steps", "held")


class Tally:
    """The counters of one run. ``sink(address, size, write)``, if given, gets the accesses."""

    def __init__(self, sink=None, steps_most=STEPS_MOST):
        self.sink, self.steps_most = sink, steps_most
        self.restore([0] * len(COUNTERS))
        self.blocks, self.top = [], LINE
        self.events = array("q")  # address · 2^16 + bytes · 2 + (1 for a write)
        self.note = self.events.append if sink else ignore

    def counters(self):
        """All counters, in the order of COUNTERS."""
        return [getattr(self, name) for name in COUNTERS]

    def restore(self, values):
        """Sets the counters to what they were."""
        for name, value in zip(COUNTERS, values, strict=True):
            setattr(self, name, value)

    def add(self, counts):
        """Adds to counters, by name."""
        for name, more in counts.items():
            setattr(self, name, getattr(self, name) + more)

    def step(self):
        """One turn of a loop, or one call."""
        self.steps += 1
        if self.steps > self.steps_most:
            raise LabError(f"it was stopped after {self.steps_most} turns of loops.")
        if len(self.events) >= CHUNK:
            self.flush()

    def spend(self, events):
        """Many accesses at a time, as whole numbers like those of ``note``."""
        self.steps += len(events)
        if self.sink:
            self.events.frombytes(events.astype(np.int64).tobytes())
        self.step()

    def flush(self):
        """Hands the accesses on."""
        if self.events:
            events = np.array(self.events)
            del self.events[:]
            self.sink(events >> 16, events >> 1 & 0x7FFF, (events & 1).astype(bool))

    def block(self, count, dtype, name=""):
        """New memory for ``count`` numbers, whose content is not set: NaN, or 0 for integers."""
        dtype = np.dtype(dtype)
        self.room(count * dtype.itemsize)
        if dtype.kind not in "fiub":
            raise LabError(f"arrays of {dtype} are not counted; of floats, integers and bool.")
        values = np.full(count, np.nan if dtype.kind == "f" else 0, dtype)
        made = Block(self, values, self.top, name)
        self.top += -(-values.nbytes // LINE) * LINE
        self.blocks.append(made)
        return made

    def room(self, bytes):
        """A sentence where so many bytes more are too many."""
        if self.top + bytes > BYTES_MOST or len(self.blocks) > ARRAYS_MOST:
            raise LabError(f"a counted run may use {BYTES_MOST >> 20} MiB in {ARRAYS_MOST} arrays, "
                           f"no more.")


def ignore(event):
    """Nobody asked for the accesses."""


class Block:
    """The memory of one array: numbers side by side, how often they were read and written."""

    __slots__ = ("base", "first", "given", "item", "loads", "name", "note", "pace", "stores",
                 "tally", "values")

    def __init__(self, tally, values, base, name):
        self.tally, self.values, self.base, self.name = tally, values, base, name
        self.given = bool(name)  # an argument keeps its name
        self.item, self.loads, self.stores, self.note = values.itemsize, 0, 0, tally.note
        self.first, self.pace = base << 16 | self.item << 1, self.item << 16  # of its events

    def load(self, at):
        """One number."""
        self.loads += 1
        self.note(self.first + at * self.pace)
        return self.values[at]

    def store(self, at, value):
        """Writes one number."""
        self.stores += 1
        self.note(self.first + at * self.pace + 1)
        self.values[at] = value

    def read(self, byte, dtype, count):
        """``count`` numbers of a dtype from a byte on, in one access."""
        size = count * dtype.itemsize
        if size:
            self.inside(byte, size, "read")
            self.loads += size // self.item
            self.note((self.base + byte) << 16 | size << 1)
        return self.values.view(np.uint8)[byte:byte + size].view(dtype).copy()

    def write(self, byte, numbers):
        """Writes numbers from a byte on, in one access."""
        if size := numbers.nbytes:
            self.inside(byte, size, "written")
            self.stores += size // self.item
            self.note((self.base + byte) << 16 | size << 1 | 1)
            self.values.view(np.uint8)[byte:byte + size] = numbers.view(np.uint8)

    def load_all(self, places):
        """The numbers at an array of places, one after another."""
        self.loads += places.size
        self.tally.spend(self.events(places, 0))
        return self.values[places]

    def store_all(self, places, values):
        """Writes numbers to an array of places."""
        self.stores += places.size
        self.tally.spend(self.events(places, 1))
        self.values[places] = values

    def events(self, places, write):
        """Accesses as the tally notes them."""
        return self.first + places.ravel() * self.pace + write

    def inside(self, byte, size, what):
        """A sentence where an access leaves the array."""
        if byte < 0 or byte + size > self.values.nbytes:
            raise LabError(f"bytes {byte} to {byte + size - 1} of {self.name or 'an array'} are "
                           f"{what}; it has {self.values.nbytes}.")
