"""Layers: one row of a network's table, values only, before anything is built or run."""

from dataclasses import dataclass, field

from aisys_lab.core import LabError, Table

LAYERS = Table("LAYERS", "kinds of layers: attributes and their defaults", noun="kind")
NEEDED = object()  # an attribute without default

LAYERS.define("linear", {"out": NEEDED, "bias": True})
LAYERS.define("conv", {"out": NEEDED, "kernel": NEEDED, "stride": 1, "padding": 0, "groups": 1,
                       "bias": True})
LAYERS.define("attention", {"heads": NEEDED, "kv_heads": NEEDED, "head_dim": NEEDED,
                            "bias": True})
LAYERS.define("norm", {"form": NEEDED})  # batch, layer, rms
LAYERS.define("embedding", {"rows": NEEDED, "out": NEEDED})
LAYERS.define("activation", {"form": "relu", "inplace": False})
LAYERS.define("pool", {"form": "max", "kernel": NEEDED, "stride": 1, "padding": 0, "ceil": False})
LAYERS.define("add", {})  # two inputs of one shape
LAYERS.define("mul", {})
LAYERS.define("concat", {})  # the shape is that of the joined result
LAYERS.define("shuffle", {"groups": 2})

AXES = {"conv": 4, "pool": 4, "attention": 3}  # of the input
OPTIONAL = {"tied": str}  # any kind: the layer whose weights it shares


@dataclass(frozen=True)
class Layer:
    """Kind, name, input shape (batch first; images are N, C, H, W) and attributes.

    ``layer["stride"]`` reads an attribute, ``layer.plain`` is the same as a dict of plain values.
    """

    kind: str
    name: str
    shape: tuple
    attrs: dict = field(default_factory=dict)

    def __getitem__(self, key):
        return self.plain[key]

    def __hash__(self):
        return hash((self.kind, self.name, self.shape, tuple(self.attrs.items())))

    @property
    def plain(self):
        """The layer as JSON values: what the slot ``nets.count_layer`` is called with."""
        return {"kind": self.kind, "name": self.name, "shape": list(self.shape), **self.attrs}

    @property
    def batch(self):
        return self.shape[0]

    def at(self, batch):
        """The same layer for another batch size."""
        return Layer(self.kind, self.name, (batch, *self.shape[1:]), self.attrs)

    def __str__(self):
        return f"{self.kind} {self.name}{axes(self.shape)} {self.details}".rstrip()

    __repr__ = __str__

    @property
    def details(self):
        """The attributes that differ from the defaults, as text."""
        usual = LAYERS[self.kind]
        return " ".join(f"{key}={value}" for key, value in self.attrs.items()
                        if usual.get(key, NEEDED) != value)


def layer(kind, name, shape, **attrs):
    """A layer with its defaults filled in; a sentence if an attribute is unknown or missing."""
    known = LAYERS[kind]
    for key in attrs.keys() - known.keys() - OPTIONAL.keys():
        raise LabError(f"{kind} {name!r}: no attribute {key!r}; there are: "
                       f"{', '.join([*known, *OPTIONAL])}.")
    full = {**known, **attrs}
    missing = [key for key, value in full.items() if value is NEEDED]
    if missing:
        raise LabError(f"{kind} {name!r}: give {', '.join(missing)}, as in "
                       f"layer({kind!r}, {name!r}, shape, {missing[0]}=…).")
    if len(shape) != AXES.get(kind, max(len(shape), 1)):
        raise LabError(f"{kind} {name!r}: the input has {AXES.get(kind, 'some')} axes, got "
                       f"{axes(shape)}.")
    return Layer(kind, name, tuple(int(n) for n in shape), full)


def axes(shape):
    """A shape as text: ``[1,64,56,56]``."""
    return f"[{','.join(map(str, shape))}]"
