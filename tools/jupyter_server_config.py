"""What JupyterLab's server does beyond its flags (tools/src/setup/jupyter-environment.ts names this file with --config)."""

c = get_config()  # noqa: F821, Jupyter's way

VEGA = "application/vnd.vegalite.v5+json"

# A notebook that is merely opened could else fetch from anywhere (a chart's data and marks, pictures in markdown and
# HTML) and run script one click later: vega-embed lets a chart's own usermeta set the header of "View Source" and the
# address of "Open in Vega Editor".
CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    # Vega compiles its expressions. The two hashes are of JupyterLab's inline scripts, which take the token out of
    # the address: in jupyterlab/static/index.html and jupyter_server/templates/page.html.
    "script-src": "'self' 'unsafe-eval' 'sha256-DHk7PmJD5wtdpNjEzpkYISzoAstMGRwG1GNWZ25R2pM='"
    " 'sha256-iN4TbvT/wMLl7schGcQ6cyolEJKfgPLUQl9e1k5knXk='",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    # Older Safaris do not count the kernels' web sockets to 'self'.
    "connect-src": "'self' ws://127.0.0.1:* ws://localhost:*",
    "worker-src": "'self' blob:",
    "frame-src": "'self' blob: data:",
    "frame-ancestors": "'self'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "object-src": "'none'",
}


def without_marks_of_the_browser(model, **_):
    """Keeps a saved notebook as it was run.

    To draw a Vega-Lite chart, JupyterLab adds a PNG of it to the output, and marks the cell; a folded output it marks
    a second time. Saved, that would change a notebook that was merely looked at: the SVG beside the chart is the picture
    that is kept.
    """
    content = model.get("content")
    if model.get("type") != "notebook" or not isinstance(content, dict):
        return
    for cell in content.get("cells", []):
        metadata = cell.get("metadata", {})
        metadata.pop("trusted", None)
        if metadata.get("jupyter", {}).get("outputs_hidden"):
            metadata.pop("collapsed", None)
        for output in cell.get("outputs", []):
            if VEGA in output.get("data", {}):
                output["data"].pop("image/png", None)


c.FileContentsManager.pre_save_hook = without_marks_of_the_browser
policy = "; ".join(f"{directive} {sources}" for directive, sources in CONTENT_SECURITY_POLICY.items())
c.ServerApp.tornado_settings = {"headers": {"Content-Security-Policy": policy}}
# Jupyter's guard against DNS rebinding, which it drops where it listens on all addresses, as in the container.
c.ServerApp.allow_remote_access = False
# Keys for each kernel that can use them (tools/src/kernel/kernel.ts): without, every user of the machine can hear on a
# kernel's ports what its cells say.
c.KernelManager.transport_encryption = "auto"
