"""Tables: the package's sheet, the notebook's above it, attempts, slots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisys_lab.core import SLOTS, TABLES, LabError, Table, attempt, slot


@pytest.fixture
def table():
    made = Table("FRUIT", "for a test", noun="fruit")
    made.define("apple", 1)
    made.define("pear", 2)
    yield made
    del TABLES["FRUIT"]


def test_a_new_key_extends_a_known_key_replaces_and_del_brings_back(table):
    table["apple"], table["plum"] = 10, 30
    assert dict(table) == {"apple": 10, "pear": 2, "plum": 30}
    assert table.mine() == ["apple", "plum"] and table.reference("apple") == 1
    del table["apple"], table["plum"]
    assert dict(table) == {"apple": 1, "pear": 2} and not table.mine()


def test_rows_of_an_attempt_vanish_also_after_an_error(table):
    table["plum"] = 30
    with pytest.raises(ZeroDivisionError), attempt():
        table["apple"], table["plum"], table["fig"] = 0, 0, 0
        1 / table["apple"]
    assert dict(table) == {"apple": 1, "pear": 2, "plum": 30}


def test_attempts_nest_and_take_in_tables_made_inside():
    with attempt():
        inner = Table("INNER", "made inside")
        inner.define("a", 1)
        with attempt():
            inner["a"] = 2
        assert inner["a"] == 1
        inner["a"] = 3
    assert inner["a"] == 3 and inner.mine() == ["a"]  # it has no outer sheet to fall back to
    del TABLES["INNER"]


@given(st.lists(st.tuples(st.sampled_from(["apple", "pear", "plum"]), st.integers(0, 9))))
def test_reading_is_the_topmost_sheet(writes):
    table = Table("FRUIT", "for a test")
    table.define("apple", -1)
    expected = {"apple": -1}
    for key, value in writes:
        table[key] = expected[key] = value
    assert dict(table) == expected
    for key in table.mine():
        del table[key]
    assert dict(table) == {"apple": -1}
    del TABLES["FRUIT"]


def test_row_decorates():
    table = Table("VERBS", "for a test")

    @table.row("twice")
    def twice(x):
        return 2 * x

    assert table["twice"](4) == twice(4) == 8
    del TABLES["VERBS"]


@pytest.mark.parametrize("key, sentence", [
    ("appel", "no fruit 'appel' in FRUIT; did you mean: apple, pear."),
    (7, "no fruit 7 in FRUIT; the fruits are: apple, pear."),
])
def test_an_unknown_key_is_a_sentence(table, key, sentence):
    for look in (table.__getitem__, table.reference, table.__delitem__):
        with pytest.raises(LabError) as error:
            look(key)
        assert str(error.value) == sentence
    assert key not in table and table.get(key) is None


def test_the_package_row_cannot_be_deleted(table):
    with pytest.raises(LabError, match="the package's own row"):
        del table["apple"]
    assert table["apple"] == 1


def test_repr_marks_rows_of_the_notebook(table):
    table["pear"] = 5
    assert repr(table) == ("FRUIT: for a test (2 fruits; * yours)\n  apple, pear*")


def test_a_slot_sends_every_call_to_the_row():
    @slot("test.double")
    def double(x):
        """Twice x."""
        return 2 * x

    assert double(3) == 6 and double.slot == "test.double" and double.__doc__ == "Twice x."
    with attempt():
        SLOTS["test.double"] = lambda x: x + x + 1
        assert double(3) == 7 and SLOTS.reference("test.double")(3) == 6
    assert double(x=3) == 6
    SLOTS.sheets[0].pop("test.double")
    SLOTS._flatten("test.double")
