"""What is cut out of a module, and that nothing is cut in vain."""

import ast

import pytest

from aisys_lab.grading.mask import cut

SOURCE = '''
TABLE = Table()

@TABLE.row("a")
def rule_a(x):
    return secret_a(x)

TABLE.define("b", lambda x: secret_b(x))
TABLE.define("c", lambda x: open_c(x))
LIMIT = secret_number

def plain(x):
    return secret_plain(x)

class Engine(Base):
    def run(self):
        return secret_run(self)
    def stop(self):
        return open_stop(self)
'''


@pytest.mark.parametrize(("name", "gone"), [
    ("plain", "secret_plain"), ("rule_a", "secret_a"), ("TABLE[a]", "secret_a"),
    ("TABLE[b]", "secret_b"), ("LIMIT", "secret_number"), ("Engine", "secret_run"),
    ("Engine.run", "secret_run")])
def test_only_the_named_thing_goes(name, gone):
    text = ast.unparse(cut(ast.parse(SOURCE), {name}))
    assert gone not in text
    assert "open_c" in text and ("open_stop" in text or name == "Engine")
    assert text.count("secret") == SOURCE.count("secret") - 1


def test_a_name_that_is_not_there_is_an_error():
    with pytest.raises(ImportError, match="nothing to hide"):
        cut(ast.parse(SOURCE), {"absent"})
