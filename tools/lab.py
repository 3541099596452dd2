"""Runs JupyterLab for as long as whoever started it lives: its stdin is a pipe from there.

The starter ends JupyterLab by itself on Ctrl-C. When it is killed outright, or crashes, the pipe closes, and
this ends JupyterLab and its kernels all the same.
"""

import os
import signal
import threading

from jupyter_server.serverapp import ServerApp
from jupyterlab.labapp import LabApp
from tornado.netutil import bind_sockets
from tornado.web import OutputTransform


class NoScriptOfNotebooks(OutputTransform):
    """Serves as script nothing but JupyterLab's own files.

    /files/ and /nbconvert/ give what stands in a notebook's folder, under the type that the notebook names: for the
    page's Content-Security-Policy that would be a script of 'self'.
    """

    def __init__(self, request):
        self._is_own = request.path.startswith(("/static/", "/lab/extensions/"))

    def transform_first_chunk(self, status_code, headers, chunk, finishing):
        if not self._is_own and "script" in headers.get("Content-Type", "").lower():
            headers["Content-Type"] = "text/plain; charset=utf-8"
            headers["X-Content-Type-Options"] = "nosniff"
        return status_code, headers, chunk


class Server(ServerApp):
    """JupyterLab's server, closed where Jupyter's own is open to other users and to notebooks.

    It binds its port once, and keeps it. Jupyter's own binds the port to see that it is free, lets it go, writes
    jpserver-PID.json and binds it again: meanwhile another user of the machine can take it, and is sent the token.
    Here the port that the file names is this process's own.
    """

    def init_webapp(self):
        super().init_webapp()
        # It has been read. A kernel has no use for it, and a cell that prints its environment would show it.
        os.environ.pop("JUPYTER_TOKEN", None)
        self.web_app.add_transform(NoScriptOfNotebooks)

    def _find_http_port(self):
        try:
            self._listening = bind_sockets(self.port, self.ip)
        except OSError as error:
            self.log.critical("can't listen on port %i: %s", self.port, error)
            self.exit(1)
        self.port = self._listening[0].getsockname()[1]

    def _bind_http_server_tcp(self):
        self.http_server.add_sockets(self._listening)
        return True


def end_with_the_starter():
    # Not by sys.stdin: Python aborts when it ends while a thread holds that object's lock.
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=end_with_the_starter, daemon=True).start()
    LabApp.serverapp_class = Server
    LabApp.launch_instance()
