"""Drives a tslab kernel for a test: commands as JSON lines on stdin, what happens as JSON lines on stdout.

{"do": "run", "code": …}  answered by {"ran": status, "text": what it printed} when the cell is done;
a cell that a restart, a shutdown or a kill cuts has no answer
{"do": "interrupt"}, {"do": "restart"}, {"do": "shutdown"}, {"do": "kill"}  answered by {"done": …}
"""

import json
import queue
import signal
import sys
import threading

from jupyter_client.manager import KernelManager


def tell(**what):
    print(json.dumps(what), flush=True)


def commands():
    """What came on stdin, without waiting; None at its end. The kernel's sockets are for one thread alone."""
    waiting = queue.Queue()

    def read():
        for line in sys.stdin:
            waiting.put(json.loads(line))
        waiting.put(None)

    threading.Thread(target=read, daemon=True).start()
    return waiting


def connected(manager):
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    return client


class Cell:
    """One that runs."""

    def __init__(self, client, code):
        self.client = client
        self.id = client.execute(code)
        self.text = []
        self.status = None
        self.idle = False

    def is_done(self):
        """Takes what has come; tells the answer when all of it has."""
        try:
            message = self.client.get_iopub_msg(timeout=0.02)
            if message["parent_header"].get("msg_id") == self.id:
                content = message["content"]
                self.idle = self.idle or content.get("execution_state") == "idle"
                self.text.append(content.get("text") or content.get("data", {}).get("text/plain") or "")
        except queue.Empty:
            pass
        try:
            reply = self.client.get_shell_msg(timeout=0.02)
            if reply["parent_header"].get("msg_id") == self.id:
                self.status = reply["content"]["status"]
        except queue.Empty:
            pass
        if self.status is None or not self.idle:
            return False
        tell(ran=self.status, text="".join(self.text))
        return True


def main():
    manager = KernelManager(kernel_name="tslab")
    manager.start_kernel()
    client = connected(manager)
    tell(done="start")
    waiting = commands()
    cell = None
    while True:
        try:
            command = waiting.get(timeout=None if cell is None else 0.01)
        except queue.Empty:
            if cell.is_done():
                cell = None
            continue
        if command is None:
            break
        if command["do"] == "run":
            cell = Cell(client, command["code"])
            continue
        if command["do"] == "interrupt":
            manager.interrupt_kernel()
        else:
            cell = None
            client.stop_channels()
            if command["do"] == "restart":
                manager.restart_kernel(now=False)
                client = connected(manager)
            elif command["do"] == "shutdown":
                manager.shutdown_kernel(now=False)
            elif command["do"] == "kill":
                manager.signal_kernel(signal.SIGKILL)
        tell(done=command["do"])
    if manager.is_alive():
        manager.shutdown_kernel(now=True)


main()
