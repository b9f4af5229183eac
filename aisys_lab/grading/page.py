"""The kill table as a page of the book: ``python -m aisys_lab.grading.page > book/…/kills.md``."""

from aisys_lab.grading.kills import as_markdown, kills

HEAD = """# What the checks catch

Every exercise is judged by a check, and every check by the wrong answers that it must catch. A
wrong answer is a right one with a plausible mistake; its name says which. Each was judged on ten
seeds, that is on ten different draws of inputs; the last column says on how many it was refused.
The table is made by `python -m aisys_lab.grading.page`, and `make test-grading` judges it anew.
"""


def page(rows):
    """The text of the page that holds these rows."""
    return f"{HEAD}\n{as_markdown(rows)}\n"


if __name__ == "__main__":
    print(page(kills()), end="")
