"""Articles of clothing in 28x28 pixels, which ship with the package."""

from pathlib import Path

import numpy as np

from aisys_lab.datasets.dataset import Dataset

DATA = Path(__file__).parent / "data"
WORDS = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
         "ankle boot")


def fashion():
    """``(train, test)``: 10,000 and 2,000 images f32[N,1,28,28] in [0, 1] of 10 kinds of clothing.

    A stratified subset, chosen with seed 0, of Fashion-MNIST: Xiao, Rasul and Vollgraf 2017
    (arXiv:1708.07747), MIT licence; the test images come from the published test set.
    """
    with np.load(DATA / "fashion_mnist.npz") as arrays:
        return tuple(Dataset(f"Fashion-MNIST, {part}",
                             arrays[f"{part}_x"][:, None].astype(np.float32) / np.float32(255),
                             arrays[f"{part}_y"].astype(np.int64), 10, WORDS)
                     for part in ("train", "test"))
