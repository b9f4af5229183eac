"""Small, real, seeded data that needs no network."""

from aisys_lab.datasets.clothes import fashion
from aisys_lab.datasets.dataset import Dataset, digits
from aisys_lab.datasets.loader import Batches, batches
from aisys_lab.datasets.novel import Text, text

__all__ = ["Batches", "Dataset", "Text", "batches", "digits", "fashion", "text"]
