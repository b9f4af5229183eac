"""Keeps notebooks runnable and in one form: ``python tools/notebooks.py run|tidy|check PATH…``.

The normal form keeps outputs and tags, counts executed cells from 1 to n, and drops whatever
differs between editors, machines and runs.
"""

import sys
from pathlib import Path

import nbformat

WIDGET = "application/vnd.jupyter.widget-view+json"
KERNEL = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python",
                         "name": "python3"}, "language_info": {"name": "python"}}


def run(path):
    """Executes the notebook in its own folder and stores its outputs."""
    from nbclient import NotebookClient

    print(path, flush=True)
    book = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(path.parent)}}
    NotebookClient(book, timeout=120, startup_timeout=120, kernel_name="python3",
                   coalesce_streams=True, store_widget_state=False, resources=place).execute()
    path.write_text(text(book), encoding="utf-8")
    return True


def tidy(path):
    """Writes the normal form."""
    path.write_text(text(nbformat.read(path, as_version=4)), encoding="utf-8")
    return True


def check(path):
    """Whether the file has the normal form."""
    same = text(nbformat.read(path, as_version=4)) == path.read_text(encoding="utf-8")
    if not same:
        print(f"{path} is not in normal form; cure: python tools/notebooks.py tidy {path}")
    return same


def text(book):
    """The notebook in normal form, as text."""
    book = nbformat.from_dict({**book, "metadata": KERNEL})
    code = [cell for cell in book.cells if cell.cell_type == "code" and cell.source.strip()]
    for cell in book.cells:
        cell.metadata = {key: cell.metadata[key] for key in ("tags",) if cell.metadata.get(key)}
    for count, cell in enumerate(code, 1):
        executed = cell.execution_count is not None
        cell.execution_count = count if executed else None
        for output in cell.outputs:
            _tidy_output(output, cell.execution_count)
    return nbformat.writes(book) + "\n"


def _tidy_output(output, count):
    if "execution_count" in output:
        output.execution_count = count
    if "data" in output and len(output.data) > 1:
        output.data.pop(WIDGET, None)  # its id differs in every run, and no kernel waits behind it
    if "metadata" in output:
        output.metadata = {}


def found(paths):
    """The notebooks named by files and folders, without editors' checkpoints."""
    for path in map(Path, paths):
        inside = sorted(path.rglob("*.ipynb")) if path.is_dir() else [path]
        yield from (p for p in inside if ".ipynb_checkpoints" not in p.parts)


if __name__ == "__main__":
    verb = {"run": run, "tidy": tidy, "check": check}[sys.argv[1]]
    results = [verb(path) for path in found(sys.argv[2:])]
    sys.exit(not all(results))
