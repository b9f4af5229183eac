"""Trees of arrays in files: checkpoints that cannot tear, hold no code, and say what they are."""

import io
import json
import struct
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from aisys_lab.core.errors import LabError
from aisys_lab.core.files import write_atomic
from aisys_lab.core.safetensors import check_written, read_safetensors, write_safetensors
from aisys_lab.core.table import Table
from aisys_lab.core.tree import flatten, names, unflatten

FORMATS = Table("FORMATS", "files of arrays by suffix: (write, read)", noun="format")
NOTES = "__notes__"  # the entry of an .npz that holds the notes
HARM = (ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, RuntimeError,
        TypeError, ValueError, struct.error, zipfile.BadZipFile)  # what unsound files raise


def save_tree(tree, path, notes=None):
    """Writes the leaves of a tree under their dotted names; returns the path.

    The suffix says the format, ``.npz`` or ``.safetensors``; ``notes`` is text by name. The file
    is complete or not there: it is written beside and renamed.
    """
    write, _ = _format(path)
    labels = [name or "value" for name in names(tree)]
    twice = [name for name in labels if labels.count(name) > 1 or name in (NOTES, "__metadata__")]
    if twice:
        raise LabError(f"save_tree: {twice[0]!r} would name two arrays; rename a key.")
    arrays = {name: check_written(f"save_tree: {name}", leaf)
              for name, leaf in zip(labels, flatten(tree)[0], strict=True)}
    buffer = io.BytesIO()
    write(buffer, arrays, {str(key): str(value) for key, value in (notes or {}).items()})
    return write_atomic(path, buffer.getvalue())


def load_tree(path, like=None):
    """The tree in a file: dicts by the parts of the names, or a tree like ``like``.

    Names, shapes and dtypes are compared with ``like`` before any array is read; LabError names
    the first that differs. Leaves of ``like`` that are Python numbers come back as such.
    """
    with opened(path) as archive:
        if like is None:
            return _nested(path, {name: archive.read(name) for name in archive.specs})
        leaves, tree = flatten(like)
        labels = [name or "value" for name in names(like)]
        _compare(path, archive.specs, dict(zip(labels, leaves, strict=True)))
        return unflatten(tree, [_as(archive.read(name), leaf)
                                for name, leaf in zip(labels, leaves, strict=True)])


def load_notes(path):
    """The notes of a file, text by name."""
    with opened(path) as archive:
        return archive.notes


@dataclass(frozen=True)
class Archive:
    """An open file: specs (dtype and shape) by name, notes, and a reader of one array."""

    path: Path
    specs: dict
    notes: dict
    reader: object

    def read(self, name):
        """One array; a sentence if its bytes do not read."""
        try:
            return self.reader(name)
        except HARM as error:
            raise _unsound(self.path, error) from None


@contextmanager
def opened(path):
    """The file at ``path`` as an Archive; a sentence if there is none, or none of ours."""
    _, read = _format(path)
    try:
        with open(path, "rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            yield _archive(Path(path), read, file, size)
    except OSError as error:
        raise LabError(f"{path} cannot be read: {error.strerror}.") from None


def _archive(path, read, file, size):
    try:
        return Archive(path, *read(file, size))
    except HARM as error:
        raise _unsound(path, error) from None


def _unsound(path, error):
    return LabError(f"{path} is no sound file of arrays: {str(error) or type(error).__name__}. "
                    f"It may be cut off or of another kind; write it again with save_tree.")


def _format(path):
    suffix = Path(path).suffix
    if suffix not in FORMATS:
        raise LabError(f"{path}: the suffix says the format; it is one of {', '.join(FORMATS)}.")
    return FORMATS[suffix]


# ---- what is in a file against what is wanted

def _compare(path, specs, wanted):
    """A sentence that names the first array in which a file differs from a tree."""
    for name, leaf in wanted.items():
        if name not in specs:
            raise LabError(f"{path} is a checkpoint of another model: it has no {name}; its arrays "
                           f"are {_few(specs)}.")
        there, here = _text(*specs[name]), _text(np.asarray(leaf).dtype, np.shape(leaf))
        if there != here:
            raise LabError(f"{path} is a checkpoint of another model: {name} is {there} in the "
                           f"file, {here} in the model.")
    more = [name for name in specs if name not in wanted]
    if more:
        raise LabError(f"{path} is a checkpoint of another model: it has {more[0]}, which the "
                       f"model has not; the model has {_few(wanted)}.")


def _text(dtype, shape):
    return f"{np.dtype(dtype).name}{list(shape)}"


def _few(labels, most=8):
    labels = list(labels)
    return ", ".join(labels[:most]) + f", … ({len(labels)})" * (len(labels) > most) or "none"


def _as(array, leaf):
    """An array as its leaf in ``like`` was: a Python number, or an array."""
    return array if isinstance(leaf, np.ndarray | np.generic) else array.item()


def _nested(path, arrays):
    """``{"layer1.w": x} -> {"layer1": {"w": x}}``."""
    tree = {}
    for name, array in arrays.items():
        *groups, last = name.split(".")
        place = tree
        for group in groups:
            place = place.setdefault(group, {})
            if not isinstance(place, dict):
                raise LabError(f"{path}: {name} stands inside an array; pass like=.")
        if last in place:
            raise LabError(f"{path}: {name} is both an array and a group; pass like=.")
        place[last] = array
    return tree


# ---- .npz: a zip of .npy files, as np.load reads it

def write_npz(file, arrays, notes):
    """Writes ``{name: array}``; notes as JSON in an array of bytes."""
    if notes:
        text = json.dumps(notes).encode()
        arrays = {**arrays, NOTES: np.frombuffer(text, np.uint8)}
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def read_npz(file, size):
    """``(specs, notes, read)`` as ``read_safetensors`` gives them."""
    archive = zipfile.ZipFile(file)
    entries = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    if len(entries) < len(archive.infolist()):
        raise ValueError("a name stands twice")
    heads = {name: _head(archive, name, info, size) for name, info in entries.items()}

    def read(name):
        dtype, shape, backwards, start = heads[name]
        flat = np.frombuffer(bytearray(archive.read(entries[name]))[start:], dtype)
        return flat.reshape(shape[::-1]).T.copy() if backwards else flat.reshape(shape)

    notes = dict(json.loads(read(NOTES).tobytes())) if NOTES in heads else {}
    heads.pop(NOTES, None)
    return {name: head[:2] for name, head in heads.items()}, notes, read


def _head(archive, name, info, size):
    """``(dtype, shape, Fortran order, where the data begins)`` of a .npy inside the zip."""
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > size:
        raise ValueError(f"{name!r} is compressed; np.savez writes arrays as they are")
    with archive.open(info) as entry:
        version = np.lib.format.read_magic(entry)
        reader = {(1, 0): np.lib.format.read_array_header_1_0,
                  (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, backwards, dtype = reader(entry)
        start = entry.tell()
    sound = dtype.kind in "biuf" and min(shape, default=0) >= 0
    if not sound or start + dtype.itemsize * prod(shape) != info.file_size:
        raise ValueError(f"{name!r} is {dtype}{list(shape)}, but has {info.file_size - start} "
                         f"bytes")
    return dtype, shape, backwards, start


FORMATS.define(".npz", (write_npz, read_npz))
FORMATS.define(".safetensors", (write_safetensors, read_safetensors))
