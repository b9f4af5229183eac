"""Our operations against torch autograd, over the samples of torch's own test suite (OpInfo).

Float64, up to 20 samples an op. On each: the value, a vector-Jacobian and a Jacobian-vector
product, the second derivative in a direction (forward over reverse here, reverse over reverse in
torch), and values with gradients by the traced graph; all to 1e-6, absolute and relative. The
table of what ran, what passed and what was not applicable stands at the end of the tests' output.
"""

import pytest

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from autodiff.opinfo import CHECKS, function, judge, line, row, table
from autodiff.opinfo_linalg import ROWS as LINALG
from autodiff.opinfo_nets import ROWS as NETS
from autodiff.opinfo_rows import ROWS as ARRAYS

torch = pytest.importorskip("torch", reason="PyTorch is not installed; make test PEERS=1 adds it")
pytest.importorskip("expecttest", reason="expecttest is not installed; make test PEERS=1 adds it")

ROWS = ARRAYS | LINALG | NETS
NAMED = {"outer", "kron", "dot", "trace", "tril", "triu", "tile", "flip", "prod", "atan2", "sign",
         "expm1", "log1p", "log2", "log10", "reciprocal"}


@pytest.fixture(scope="module")
def infos():
    """Torch's table of its operations, by name; importing it takes seconds."""
    from torch.testing._internal.common_methods_invocations import op_db
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield {info.formatted_name: info for info in op_db}
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", ROWS)
def test_our_operation_gives_what_torch_gives(name, infos, record_property):
    tally = judge(infos[name], ROWS[name])
    record_property("opinfo", line(tally))
    assert not tally.short(), "\n".join(tally.faults)
    few = 2 * sum(tally.not_applicable.values()) > tally.samples
    assert tally.ran and bool(ROWS[name].few) == few, tally.not_applicable


def test_the_table_has_what_was_promised():
    assert len(ROWS) >= 250 and ROWS.keys() >= NAMED
    assert [row.ours for row in ROWS.values() if function(row.ours) is None] == []


# ---- the harness itself notices

WRONG = {
    "vjp": ("VJP", (lambda g, out, x: g * anp.cos(x) * 1.00001,)),
    "jvp": ("JVP", (lambda t, out, x: -t * anp.cos(x),)),
    "second": ("VJP", (lambda g, out, x: g * anp.stop_gradient(anp.cos(x)),)),
}


@pytest.mark.parametrize("check", WRONG)
def test_a_wrong_rule_is_noticed(check, infos):
    table, rules = WRONG[check]
    with lab.attempt():
        getattr(lab, table)["sin"] = rules
        assert check in judge(infos["sin"], ROWS["sin"]).short()
    assert judge(infos["sin"], ROWS["sin"]).short() == []


def test_a_wrong_value_a_raised_error_and_a_foreign_keyword_are_noticed(infos):
    assert judge(infos["sin"], row("cos")).short() == list(CHECKS)
    tally = judge(infos["sin"], row("sin", lambda f, x: f(x)[7:2, 0, 0, 0]))
    assert tally.short() == list(CHECKS) and "IndexError" in tally.faults[0]
    tally = judge(infos["add"], row("add", lambda f, x, y: f(x, y)))
    assert tally.not_applicable == {"keyword argument alpha": 2} and not tally.short()
    assert "alpha" in "\n".join(table([line(tally)]))
