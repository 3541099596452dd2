"""Executes one notebook in a fresh kernel: execute.py NOTEBOOK SECONDS_PER_CELL_LIMIT; the result goes to stdout.

The only Python of the lab: nbclient is what Jupyter itself runs notebooks with. Prints one JSON object:
{"notebook": …} or {"cell": n, "name": …, "message": …}, where n counts code cells from 1, as JupyterLab's
[n] does. What a cell prints goes into the notebook, never to this stdout.
"""

import json
import os
import sys

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError


class Progress:
    """Knows which code cell is running, for the exceptions that don't say."""

    def __init__(self):
        self.cell = 0

    def __call__(self, cell, cell_index):
        if cell.cell_type == "code":
            self.cell += 1


def stable(notebook):
    """Leaves nothing in the file that differs from run to run or from machine to machine."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "TypeScript", "language": "typescript", "name": "tslab"},
            # As the kernel tells it, so that saving in JupyterLab changes nothing.
            "language_info": notebook.metadata.get("language_info", {}),
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells, 1):
        cell.setdefault("id", f"cell-{number:02}")
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.pop("transient", None)
    return notebook


def main(path, seconds):
    with open(path, encoding="utf-8") as file:
        notebook = nbformat.from_dict(json.load(file))
    progress = Progress()
    client = NotebookClient(
        notebook,
        timeout=seconds,
        kernel_name="tslab",
        record_timing=False,
        resources={"metadata": {"path": os.path.dirname(os.path.abspath(path))}},
        on_cell_start=progress,
    )
    try:
        client.execute()
    except CellExecutionError as error:
        return {"cell": progress.cell, "name": error.ename, "message": error.traceback or error.evalue}
    except (CellTimeoutError, DeadKernelError) as error:
        return {"cell": progress.cell, "name": type(error).__name__, "message": str(error).split("\n")[0]}
    return {"notebook": stable(notebook)}


if __name__ == "__main__":
    json.dump(main(sys.argv[1], int(sys.argv[2])), sys.stdout, ensure_ascii=True)
