"""The built site, served from localhost, and a real browser to read it with."""

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HTML = ROOT / "_build/html"
NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="session")
def chromium():
    """Chromium's path; without it these tests skip, but never in CI."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        reason = "no Chromium here; cure on Debian: apt install chromium"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return path


@pytest.fixture(scope="session")
def browser(chromium):
    """One headless browser for the session."""
    from playwright.sync_api import sync_playwright
    with sync_playwright() as play:
        one = play.chromium.launch(executable_path=chromium, args=ARGS)
        yield one
        one.close()


@pytest.fixture(scope="session")
def built(chromium):
    """The site as ``make book`` builds it; what is up to date is not built again."""
    tool = Path(sys.executable).with_name("jupyter-book")
    done = subprocess.run([tool, "build", "-W", "-n", "--keep-going", ROOT], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    return HTML


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and keeps its requests to itself."""

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture(scope="session")
def site(built):
    """Address of the site."""
    with serving(built) as address:
        yield address


@contextlib.contextmanager
def serving(folder):
    """A folder on a free port of localhost."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(browser):
    """A fresh page of desktop width."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    yield context.new_page()
    context.close()
