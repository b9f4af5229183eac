"""Cross entropy in one go: SciPy's values, specs, and what it refuses."""

import numpy as np
import pytest
import scipy.special

from aisys_lab.core import LabError
from aisys_lab.ir import OPS, Spec, bind, parse_spec, spec_of

X = np.random.default_rng(0).standard_normal((3, 4, 5)) * 20
LABELS = np.random.default_rng(1).integers(0, 5, (3, 4))


@pytest.mark.parametrize("dtype, tolerance", [("f8", 1e-13), ("f4", 1e-5), ("f2", 2e-2)])
def test_the_value(dtype, tolerance):
    x, labels = X.astype(dtype), LABELS.astype("i4")
    logs = scipy.special.log_softmax(x.astype("f8"), -1)
    want = -np.take_along_axis(logs, LABELS[..., None], -1).mean()
    got = bind("cross_entropy", x, labels)
    np.testing.assert_allclose(got, want, rtol=tolerance)
    assert spec_of(got) == bind("cross_entropy", spec_of(x), spec_of(labels)) == Spec((), x.dtype)
    assert np.isfinite(bind("cross_entropy", X * 1e4, LABELS))
    assert OPS["cross_entropy"].flops(spec_of(x), spec_of(labels)) == 5 * 60


@pytest.mark.parametrize("logits, labels", [("f64[3,4]", "i64[4]"), ("f64[3,4]", "f64[3]"),
                                            ("f64[]", "i64[]"), ("i64[3,4]", "i64[3]")])
def test_what_does_not_fit(logits, labels):
    with pytest.raises(LabError, match="cross_entropy: labels .* do not fit logits"):
        bind("cross_entropy", parse_spec(logits), parse_spec(labels))
