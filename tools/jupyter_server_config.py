"""What JupyterLab's server does beyond its flags (tools/src/jupyter.ts names this file with --config)."""

c = get_config()  # noqa: F821, Jupyter's way

VEGA = "application/vnd.vegalite.v5+json"


def without_marks_of_the_browser(model, **_):
    """Keeps a saved notebook as it was run.

    To draw a Vega-Lite chart, JupyterLab adds a PNG of it to the output, and marks the cell. Saved, that would
    change a notebook that was merely looked at: the SVG beside the chart is the picture that is kept.
    """
    content = model.get("content")
    if model.get("type") != "notebook" or not isinstance(content, dict):
        return
    for cell in content.get("cells", []):
        cell.get("metadata", {}).pop("trusted", None)
        for output in cell.get("outputs", []):
            if VEGA in output.get("data", {}):
                output["data"].pop("image/png", None)


c.FileContentsManager.pre_save_hook = without_marks_of_the_browser
