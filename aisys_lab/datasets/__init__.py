"""Small, real, seeded data that needs no network."""

from aisys_lab.datasets.dataset import Dataset, digits

__all__ = ["Dataset", "digits"]
