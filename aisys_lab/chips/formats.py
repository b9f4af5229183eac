"""Number formats as chip sheets name them, and whose rate serves where a card has none."""

from dataclasses import dataclass

from aisys_lab.core import Table
from aisys_lab.ir import spec


@dataclass(frozen=True)
class Format:
    """Bytes of one value, and the formats whose units do its work on a chip without its own."""

    bytes: float
    falls: tuple = ()

    def __str__(self):
        return f"{self.bytes:g} B a value, else counted as {', '.join(self.falls) or 'nothing'}"

    __repr__ = __str__


FORMATS = Table("FORMATS", "number formats of chip cards", noun="dtype")

# Wider work may run on narrower matrix units (TPUs multiply f32 as bf16 unless told otherwise);
# narrow work may run on wider ones. f64 falls to nothing: no other unit does it.
FORMATS.define("f64", Format(8))
FORMATS.define("f32", Format(4, ("tf32", "bf16", "f16")))
FORMATS.define("tf32", Format(4, ("f32", "bf16", "f16")))
FORMATS.define("bf16", Format(2, ("f16", "f32")))
FORMATS.define("f16", Format(2, ("bf16", "f32")))
FORMATS.define("f8", Format(1, ("f16", "bf16", "f32")))
FORMATS.define("f4", Format(0.5, ("f8", "f16", "bf16", "f32")))
FORMATS.define("i16", Format(2, ("f16", "bf16", "f32")))
FORMATS.define("i8", Format(1, ("f16", "bf16", "f32")))
FORMATS.define("i4", Format(0.5, ("i8", "f16", "bf16", "f32")))
for _name, _bytes in {"i64": 8, "u64": 8, "i32": 4, "u32": 4, "u16": 2, "u8": 1,
                      "bool": 1}.items():  # indices and masks: no chip states their rate
    FORMATS.define(_name, Format(_bytes, ("f32", "tf32", "bf16", "f16", "i8")))

SHEETS = {"fp64": "f64", "fp32": "f32", "fp16": "f16", "fp8": "f8", "fp4": "f4", "int8": "i8",
          "int4": "i4", "int16": "i16", "bfloat16": "bf16", "e4m3": "f8", "e5m2": "f8"}


def format_name(dtype) -> str:
    """``'f32'`` for ``'f32'``, ``'fp32'``, ``'float32'``, ``np.float32``; else a sentence."""
    if isinstance(dtype, str):
        known = SHEETS.get(dtype.lower(), dtype)
        if known in FORMATS:
            return known
        try:
            return spec.short(spec.dtype_of(known))
        except Exception:
            FORMATS[dtype]  # the table's own sentence, with near names
    return spec.short(spec.dtype_of(dtype))
