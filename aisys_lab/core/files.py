"""Where files go: the cache of generated code, the student's folder, writes that cannot tear."""

import os
import secrets
import sys
import tempfile
from pathlib import Path

from aisys_lab.core.errors import LabError


def cache_dir(*parts):
    """A writable folder for generated code: ``$AISYS_CACHE``, else the user's cache folder."""
    base = os.environ.get("AISYS_CACHE")
    if not base:
        home = {"win32": os.environ.get("LOCALAPPDATA"), "darwin": "~/Library/Caches"}.get(
            sys.platform, os.environ.get("XDG_CACHE_HOME")) or "~/.cache"
        base = Path(home).expanduser() / "aisys_lab"
    return writable(Path(base, *parts))


def home():
    """The student's folder: ``$AISYS_HOME``, else ``my_aisys`` at the top of the course."""
    base = os.environ.get("AISYS_HOME")
    return Path(base) if base else course_root() / "my_aisys"


def course_root(start=None):
    """The folder that holds ``labs/``, looked for upwards from here; else the current folder."""
    here = Path(start or Path.cwd()).resolve()
    found = (p for p in (here, *here.parents) if (p / "labs").is_dir() and (p / "book").is_dir())
    return next(found, here)


def writable(folder):
    """That folder, created if need be; a sentence if it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise LabError(f"cannot write in {folder} ({error.strerror}); make it writable, or choose "
                       f"another folder: AISYS_HOME=… for answers, AISYS_CACHE=… for generated "
                       f"code.") from None


def write_atomic(path, data):
    """Writes text or bytes beside ``path`` and renames: a reader sees the old file or the new."""
    path = Path(path)
    temporary = writable(path.parent) / f".{path.name}.{secrets.token_hex(8)}"
    try:
        with open(temporary, "xb") as file:  # not mkstemp, whose files only we could read
            file.write(data.encode() if isinstance(data, str) else data)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path
