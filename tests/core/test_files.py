"""Files: written whole or not at all, in folders that can be chosen."""

import os
import stat
import threading

import pytest

from aisys_lab.core import LabError, cache_dir, course_root, home, write_atomic


def test_write_atomic_writes_text_and_bytes_and_replaces(tmp_path):
    path = tmp_path / "new" / "a.txt"
    assert write_atomic(path, "é\n") == path and path.read_bytes() == "é\n".encode()
    write_atomic(path, b"\x00\x01")
    assert path.read_bytes() == b"\x00\x01" and os.listdir(path.parent) == ["a.txt"]


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = write_atomic(tmp_path / "a.txt", "old")
    with pytest.raises(TypeError):
        write_atomic(path, 7)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_written_file_can_be_read_as_any_other(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("x")
    wanted = stat.S_IMODE(plain.stat().st_mode)
    assert stat.S_IMODE(write_atomic(tmp_path / "ours", "x").stat().st_mode) == wanted


def test_writers_side_by_side_leave_one_whole_file(tmp_path):
    path = tmp_path / "a"
    threads = [threading.Thread(target=write_atomic, args=(path, str(k) * 10_000))
               for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(path.read_text())) == 1 and os.listdir(tmp_path) == ["a"]


def test_folders_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("AISYS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("AISYS_HOME", str(tmp_path / "mine"))
    assert cache_dir("a", "b") == tmp_path / "cache" / "a" / "b" and home() == tmp_path / "mine"
    assert cache_dir("a", "b").is_dir() and not home().exists()


def test_home_is_beside_the_labs(tmp_path, monkeypatch):
    monkeypatch.delenv("AISYS_HOME")
    for folder in ("labs/1_overview", "book"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "labs" / "1_overview")
    assert course_root() == tmp_path.resolve() and home() == tmp_path.resolve() / "my_aisys"
    monkeypatch.chdir(tmp_path.parent)
    assert course_root() == tmp_path.parent.resolve()


def test_an_unwritable_folder_is_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AISYS_CACHE", str(tmp_path / "file"))
    with pytest.raises(LabError, match="cannot write in .*; make it writable, or choose"):
        cache_dir("x")
