"""Opens JupyterLab on a notebook: ``python tools/lab.py NOTEBOOK PORT``."""

import os
import socket
import sys
from pathlib import Path


def main(notebook="", port=""):
    """Checks what can go wrong in a sentence each, then becomes JupyterLab."""
    if not (port.isdigit() and 0 < int(port) < 65536):
        sys.exit(f"PORT={port} is no port; choose a number from 1024 to 65535: make lab PORT=8888")
    if not Path(notebook).is_file():
        sys.exit(f"there is no notebook {notebook}; name one that exists: make lab START=labs/…")
    if reason := refused(int(port)):
        other = int(port) + 1 if 1024 <= int(port) < 65535 else 8888
        sys.exit(f"port {port} cannot be used ({reason}); stop what uses it, or choose another: "
                 f"make lab PORT={other}")
    quiet(Path(sys.prefix, "share/jupyter/lab/settings/overrides.json"))
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *options(notebook, port)])


def quiet(path):
    """Spares the reader JupyterLab's question about news, if ``path`` is in a .venv of ours."""
    if sys.prefix != sys.base_prefix and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}\n')


def refused(port):
    """Why this port of localhost cannot be listened on, or an empty text."""
    for family, kind, _, _, address in socket.getaddrinfo("localhost", port, 0, socket.SOCK_STREAM):
        with socket.socket(family, kind) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(os.name != "nt"))
            try:
                attempt.bind(address)
            except OSError as error:
                return os.strerror(error.errno).lower()
    return ""


def options(notebook, port):
    """JupyterLab's options: our start page, no news, no retries, and what this machine needs."""
    chosen = [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--ServerApp.root_dir=.",
              f"--LabApp.default_url=/lab/tree/{notebook}", "--ServerApp.answer_yes=True",
              "--LabApp.news_url=None", "--LabApp.extension_manager=readonly",
              "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        chosen.append("--allow-root")
    if not display():
        chosen.append("--no-browser")
    return chosen


def display():
    """Whether a browser can open a window here."""
    return sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


if __name__ == "__main__":
    main(*sys.argv[1:])
