"""A model that goes wrong on rank 1 in a way of the test's choice."""

import os
import signal
import time
from dataclasses import dataclass, field, replace

import numpy as np

from aisys_lab.autodiff import numpy as anp

FAULTS = {"none": lambda: None, "raise": lambda: 1 / 0, "sleep": lambda: time.sleep(600),
          "kill": lambda: os.kill(os.getpid(), signal.SIGKILL), "exit": lambda: os._exit(3)}


def rank():
    return int(os.environ.get("PMI_RANK", os.environ.get("OMPI_COMM_WORLD_RANK", -1)))


@dataclass(frozen=True)
class Faulty:
    """Least squares with one weight for each feature, and one that is never used."""

    fault: str
    params: dict = field(default_factory=lambda: {"w": np.zeros(3), "idle": np.zeros(4)})
    is_leaf = True

    def loss(self, params, x, y):
        if rank() == 1:
            FAULTS[self.fault]()
        return anp.mean(anp.square(x @ params["w"] - y))

    def but(self, **changes):
        return replace(self, **changes)
