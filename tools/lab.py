"""Runs JupyterLab for as long as whoever started it lives: its stdin is a pipe from there.

The starter ends JupyterLab by itself on Ctrl-C. When it is killed outright, or crashes, the pipe closes, and
this ends JupyterLab and its kernels all the same.
"""

import os
import signal
import threading

from jupyterlab.labapp import main


def end_with_the_starter():
    # Not by sys.stdin: Python aborts when it ends while a thread holds that object's lock.
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=end_with_the_starter, daemon=True).start()
    main()
