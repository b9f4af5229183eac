"""The roofline: a piece of work takes the longer of its compute time and its memory time."""

from aisys_lab.chips.cards import card
from aisys_lab.core import LabError, slot


@slot("chips.roofline")
def roofline(flops, bytes, chip, dtype="f32"):
    """``(seconds, bound)``: the least time on a chip, and ``'compute'`` or ``'memory'``."""
    chip = card(chip)
    if flops < 0 or bytes < 0:
        raise LabError(f"roofline: work cannot be negative, got {flops} operations, {bytes} B.")
    compute, memory = flops / chip.peak(dtype), bytes / chip.bandwidth
    return max(compute, memory), "compute" if compute > memory else "memory"


def attainable(intensity, chip, dtype="f32"):
    """Operations a second that a chip can reach at so many operations a byte."""
    seconds, _ = roofline(float(intensity), 1.0, chip, dtype)
    return intensity / seconds
