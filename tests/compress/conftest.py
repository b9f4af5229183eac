"""The trained digits MLP, once for all tests of the folder."""

import pytest

import aisys_lab as lab


@pytest.fixture(scope="session")
def digits():
    return lab.datasets.digits()


@pytest.fixture(scope="session")
def mlp(digits):
    return lab.fit(lab.models.MLP([64, 32, 10]), digits[0], seed=0, epochs=10)
