"""Executes one notebook in a fresh kernel: execute.py NOTEBOOK SECONDS_PER_CELL_LIMIT; the result goes to stdout.

The only Python of the lab: nbclient is what Jupyter itself runs notebooks with. Prints one JSON object:
{"notebook": …} or {"cell": n, "message": …}, where n counts code cells from 1, as JupyterLab's
[n] does. What a cell prints goes into the notebook, never to this stdout.
"""

import json
import os
import sys

# jsonschema builds a grammar of IRIs when it finds the first, two seconds at each start, and reads a library of dates for
# the second; nothing here has an IRI or a duration.
sys.modules["rfc3987_syntax"] = sys.modules["isoduration"] = None

import nbformat
from nbclient import NotebookClient
from jupyter_core.paths import jupyter_runtime_dir
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from traitlets.config import Config


class Progress:
    """Knows which code cell is running, for the exceptions that don't say."""

    def __init__(self):
        self.cell = 0
        self.last = {}

    def __call__(self, cell, cell_index):
        if cell.cell_type == "code":
            self.cell += 1
            self.last = cell


def stable(notebook):
    """Leaves nothing in the file that differs from run to run or from machine to machine."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "TypeScript", "language": "typescript", "name": "tslab"},
            # As the kernel tells it, so that saving in JupyterLab changes nothing.
            "language_info": notebook.metadata.get("language_info", {}),
        }
    )
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            # tslab opens its stderr stream even if nothing is written to it.
            cell.outputs = [each for each in cell.outputs if each.get("text") != ""]
    return notebook


def main(path, seconds):
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    # Before nbformat sees it, which would give a cell without an id a random one.
    content["nbformat_minor"] = 5
    for number, cell in enumerate(content["cells"], 1):
        cell.setdefault("id", f"cell-{number:02}")
    notebook = nbformat.reads(json.dumps(content), as_version=4)
    progress = Progress()
    client = NotebookClient(
        notebook,
        timeout=seconds,
        kernel_name="tslab",
        record_timing=False,
        resources={"metadata": {"path": os.path.dirname(os.path.abspath(path))}},
        on_cell_start=progress,
        # As jupyter_server_config.py has it, and why.
        config=Config({"KernelManager": {"transport_encryption": "auto"}}),
    )
    manager = client.create_kernel_manager()
    # Beside this start's other files, not in the temporary folder: who finds the folder left finds the kernel.
    manager.connection_file = os.path.join(jupyter_runtime_dir(), "kernel.json")
    try:
        client.execute()
    except CellExecutionError as error:
        # tslab tells what was thrown on stderr, and only that it failed in its reply.
        told = [each["text"] for each in progress.last.get("outputs", []) if each.get("name") == "stderr"]
        return {"cell": progress.cell, "message": "".join(told).strip() or error.evalue}
    except (CellTimeoutError, DeadKernelError) as error:
        return {"cell": progress.cell, "message": str(error).split("\n")[0]}
    return {"notebook": stable(notebook)}


if __name__ == "__main__":
    json.dump(main(sys.argv[1], int(sys.argv[2])), sys.stdout, ensure_ascii=True)
