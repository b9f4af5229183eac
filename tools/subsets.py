"""Makes the data that the package ships: the Fashion-MNIST subset and the novel.

They come from two Debian packages, dataset-fashion-mnist and r-cran-janeaustenr; the seed and
the order are fixed, so a second run writes the same bytes.
"""

import gzip
import struct
import sys
import zlib
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "aisys_lab" / "datasets" / "data"
TITLE = "PRIDE AND PREJUDICE"


def main(images="/usr/share/datasets/fashion-mnist",
         novels="/usr/lib/R/site-library/janeaustenr/data/Rdata.rdb"):
    """Writes both files from what the two packages install."""
    rng = np.random.default_rng(0)
    parts = {"train": ("train", 1000), "test": ("t10k", 200)}  # our name: theirs, images a class
    arrays = {}
    for ours, (theirs, count) in parts.items():
        x, y = (idx(Path(images) / f"{theirs}-{kind}-ubyte.gz")
                for kind in ("images-idx3", "labels-idx1"))
        chosen = stratified(y, count, rng)
        arrays |= {f"{ours}_x": x[chosen], f"{ours}_y": y[chosen]}
    np.savez_compressed(DATA / "fashion_mnist.npz", **arrays)
    lines = next(book for book in books(Path(novels).read_bytes()) if book[0] == TITLE)
    text = "\n".join(lines) + "\n"
    (DATA / "pride_and_prejudice.txt").write_text(text, encoding="ascii", newline="\n")


def idx(path):
    """The array of an IDX file of bytes: its fourth byte counts the axes, their lengths follow."""
    raw = gzip.decompress(path.read_bytes())
    shape = struct.unpack(f">{raw[3]}I", raw[4:4 + 4 * raw[3]])
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def stratified(labels, count, rng):
    """Shuffled indices with ``count`` examples of each label."""
    chosen = [rng.choice(np.flatnonzero(labels == label), count, replace=False)
              for label in np.unique(labels)]
    return rng.permutation(np.concatenate(chosen))


def books(raw):
    """Lists of lines: each record of R's file is a length, then a deflated vector of strings."""
    while raw:
        stream = zlib.decompressobj()
        yield strings(stream.decompress(raw[4:]))
        raw = stream.unused_data


def strings(record):
    """The strings of one serialised vector: a flag, the count, then flag, length, bytes of each."""
    at = record.index(struct.pack(">I", 16))  # 16: a vector of strings
    count, at, lines = struct.unpack(">I", record[at + 4:at + 8])[0], at + 8, []
    for _ in range(count):
        size = struct.unpack(">I", record[at + 4:at + 8])[0]
        lines.append(record[at + 8:at + 8 + size].decode())
        at += 8 + size
    return lines


if __name__ == "__main__":
    main(*sys.argv[1:])
