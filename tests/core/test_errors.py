"""A missing package is a sentence, a missing module of ours stays an error of ours."""

import sys

import pytest

import aisys_lab as lab
from aisys_lab.core import LabError, need


def test_a_missing_package_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(LabError, match=r"package 'sklearn.*' is not installed; run: pip install"):
        lab.datasets.digits()


def test_the_face_names_the_package_that_a_box_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "aisys_lab.inference.server", raising=False)
    monkeypatch.delitem(vars(lab), "serve", raising=False)
    with pytest.raises(LabError, match="package 'uvicorn' is not installed"):
        _ = lab.serve


def test_a_module_of_ours_that_is_missing_is_a_bug():
    with pytest.raises(ModuleNotFoundError):
        need("aisys_lab.nowhere")
