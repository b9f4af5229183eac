"""Trees in files: both formats, against their own libraries, and files that are not sound."""

import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import aisys_lab as lab
from aisys_lab.core.saving import load_notes
from aisys_lab.core.tree import flatten, names

RNG = np.random.default_rng(0)
DTYPES = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint64", "uint32",
          "uint16", "uint8", "bool")
TREE = {"layer1": {"w": RNG.standard_normal((3, 4)).astype(np.float32), "b": np.zeros(4)},
        "state": [3, None, (np.float16(0.5), np.zeros((2, 0), np.int8))],
        "all": {name: (RNG.standard_normal((2, 3)) * 9).astype(name) for name in DTYPES}}
BOTH = pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
MODEL = {"layer1": {"w": np.zeros((3, 4), np.float32), "b": np.zeros(4, np.float32)}}


def same(one, other):
    assert names(one) == names(other)
    for a, b in zip(flatten(one)[0], flatten(other)[0], strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype and np.shape(a) == np.shape(b)
        np.testing.assert_array_equal(a, b)


@BOTH
def test_there_and_back(tmp_path, suffix):
    path = lab.save_tree(TREE, tmp_path / f"a{suffix}", {"batch": 3, "note": "ä\n"})
    back = lab.load_tree(path, like=TREE)
    same(back, TREE)
    assert type(back["state"][0]) is int and back["state"][1] is None
    assert load_notes(path) == {"batch": "3", "note": "ä\n"}
    assert flatten(back)[0][0].flags.writeable
    assert [p.name for p in tmp_path.iterdir()] == [f"a{suffix}"]


@BOTH
def test_without_a_tree_dicts_come_back(tmp_path, suffix):
    path = lab.save_tree(MODEL, tmp_path / f"a{suffix}")
    same(lab.load_tree(path), MODEL)
    lone = lab.save_tree(np.arange(3), tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(lab.load_tree(lone)["value"], np.arange(3))
    same(lab.load_tree(lab.save_tree({}, tmp_path / f"c{suffix}")), {})


@BOTH
def test_the_same_tree_gives_the_same_bytes(tmp_path, suffix):
    one, other = (lab.save_tree(TREE, tmp_path / f"{n}{suffix}", {"a": 1}) for n in "ab")
    assert one.read_bytes() == other.read_bytes()


@BOTH
def test_odd_arrays(tmp_path, suffix):
    odd = {"swapped": np.arange(5, dtype=">i4"), "turned": np.arange(6.0).reshape(2, 3).T,
           "every other": np.arange(9)[::2], "point": np.array(2.5)}
    back = lab.load_tree(lab.save_tree(odd, tmp_path / f"a{suffix}"))
    for name, array in odd.items():
        np.testing.assert_array_equal(back[name], array)


def test_numpy_reads_ours_and_we_read_numpys(tmp_path):
    path = lab.save_tree(TREE, tmp_path / "a.npz")
    with np.load(path, allow_pickle=False) as file:
        np.testing.assert_array_equal(file["layer1.w"], TREE["layer1"]["w"])
    np.savez(tmp_path / "b.npz", **{"a.b": np.asfortranarray(TREE["layer1"]["w"]), "c": 1.5})
    back = lab.load_tree(tmp_path / "b.npz")
    np.testing.assert_array_equal(back["a"]["b"], TREE["layer1"]["w"])
    assert back["c"] == 1.5


def test_safetensors_reads_ours_and_we_read_theirs(tmp_path):
    theirs = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    path = lab.save_tree(TREE, tmp_path / "a.safetensors", {"by": "us"})
    found = theirs.load_file(path)
    for name, array in zip(names(TREE), flatten(TREE)[0], strict=True):
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == np.asarray(array).dtype
    theirs.save_file(found, tmp_path / "b.safetensors", {"by": "them"})
    same(lab.load_tree(tmp_path / "b.safetensors", like=TREE), TREE)
    assert load_notes(tmp_path / "b.safetensors") == {"by": "them"}


def test_the_bytes_of_a_small_file(tmp_path):
    path = lab.save_tree({"a": np.array([1, 2], np.int16), "b": np.array(1.0)},
                         tmp_path / "a.safetensors")
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    assert length % 8 == 0 and json.loads(data[8:8 + length]) == {
        "b": {"dtype": "F64", "shape": [], "data_offsets": [0, 8]},
        "a": {"dtype": "I16", "shape": [2], "data_offsets": [8, 12]}}
    assert data[8 + length:] == b"\0\0\0\0\0\0\xf0\x3f" + b"\1\0\2\0"


def tensors(header, data=b"", length=None):
    """The bytes of a safetensors file with that header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_bfloat16_becomes_float32(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(
        tensors({"w": entry("BF16", (2,), (0, 4))}, b"\x80\x3f\x49\xc0"))
    back = lab.load_tree(tmp_path / "a.safetensors", like={"w": np.zeros(2, np.float32)})
    assert back["w"].tolist() == [1.0, -3.140625]


@pytest.mark.parametrize("data, sentence", [
    (b"", "header of 0 bytes does not fit its 0 bytes"),
    (b"\x05\0\0", "does not fit its 3 bytes"),
    (tensors({"a": entry()}, bytes(8))[:20], "does not fit its 20 bytes"),
    (tensors(b"{}", length=2**60), f"header of {2**60} bytes does not fit"),
    (tensors(b"not json"), "header is not JSON"),
    (tensors(b"[" * 100_000), "header is not JSON"),
    (tensors(b'"text"'), "names no arrays"),
    (tensors(b'{"a": 1, "a": 2}'), "a name stands twice"),
    (tensors({"__metadata__": {"a": 1}}), "notes are not text by name"),
    (tensors({"a": 5}), "entry for 'a' has no dtype, shape"),
    (tensors({"a": entry(shape=(-1, -2))}, bytes(8)), "entry for 'a' has no"),
    (tensors({"a": entry(shape=(True,))}, bytes(8)), "entry for 'a' has no"),
    (tensors({"a": entry(offsets=(0, 2.5))}, bytes(8)), "entry for 'a' has no"),
    (tensors({"a": entry("F8_E4M3", offsets=(0, 2))}, bytes(2)), "holds F8_E4M3 numbers; the dty"),
    (tensors({"a": entry(shape=(10**12,))}, bytes(8)), "but has 8 bytes"),
    (tensors({"a": entry(shape=(10**12,), offsets=(0, 4 * 10**12))}, bytes(8)), "has 8"),
    (tensors({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12)), "overlap or leave a gap"),
    (tensors({"a": entry(), "b": entry(offsets=(12, 20))}, bytes(20)), "overlap or leave a gap"),
    (tensors({"a": entry(offsets=(8, 0))}, bytes(8)), "but has -8 bytes"),
    (tensors({"a": entry()}, bytes(9)), "take 8 bytes of data, the file has 9"),
    (tensors({"a": entry(shape=(0, 2**62, 2**62), offsets=(0, 0))}), "no sound file"),
    (tensors({"a": entry(shape=(1,) * 99, offsets=(0, 4))}, bytes(4)), "no sound file"),
])
def test_unsound_safetensors(tmp_path, data, sentence):
    (tmp_path / "a.safetensors").write_bytes(data)
    with pytest.raises(lab.LabError, match="no sound file of arrays") as error:
        lab.load_tree(tmp_path / "a.safetensors")
    assert sentence in str(error.value)


def zipped(*entries, method=zipfile.ZIP_STORED):
    """The bytes of a zip with those ``(name, bytes)``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return buffer.getvalue()


def npy(header, data=b""):
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def pickled():
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}], object), allow_pickle=True)
    return buffer.getvalue()


HEAD = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }\n"


@pytest.mark.parametrize("data, sentence", [
    (b"", "not a zip"), (b"PK\3\4 and no more", "not a zip"),
    (zipped(("a.npy", pickled())), "object"),
    (zipped(("a.npy", npy(HEAD % "(1000000000000,)", b"1234"))), "but has 4 bytes"),
    (zipped(("a.npy", npy(HEAD % "(-1, -1)", b"1234"))), "but has 4 bytes"),
    (zipped(("a.npy", npy(HEAD % "(1,)", b"123"))), "but has 3 bytes"),
    (zipped(("a.npy", npy("{}"))), "no sound file"), (zipped(("a.npy", b"text")), "no sound"),
    (zipped(("a.npy", b"\x93NUMPY\x09\x00")), "no sound file"),
    (zipped(("a.npy", bytes(10**6)), method=zipfile.ZIP_DEFLATED), "is compressed"),
    (zipped(("__notes__.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n",
                                  b"[1"))), "no sound file"),
])
def test_unsound_npz(tmp_path, data, sentence):
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(lab.LabError, match="no sound file of arrays") as error:
        lab.load_tree(tmp_path / "a.npz")
    assert sentence in str(error.value)


@BOTH
@given(data=st.data())
def test_damage_is_a_sentence_or_harmless(tmp_path_factory, suffix, data):
    path = tmp_path_factory.mktemp("damaged") / f"a{suffix}"
    whole = bytearray(lab.save_tree(MODEL, path, {"a": "b"}).read_bytes())
    cut = data.draw(st.integers(0, len(whole)))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=4)):
        whole[place] = data.draw(st.integers(0, 255))
    path.write_bytes(whole[:cut] if data.draw(st.booleans()) else whole)
    try:
        back = lab.load_tree(path, like=MODEL)
        assert names(back) == names(MODEL)
    except lab.LabError as error:
        assert str(path) in str(error)


@BOTH
@pytest.mark.parametrize("other, sentence", [
    ({"layer1": {"w": np.zeros((3, 4), np.float32)}},
     "it has layer1.b, which the model has not; the model has layer1.w"),
    ({**MODEL, "layer2": {"w": np.zeros(3)}},
     "it has no layer2.w; its arrays are layer1"),
    ({"layer1": {"w": np.zeros((3, 5), np.float32), "b": np.zeros(4, np.float32)}},
     r"layer1.w is float32\[3, 4\] in the file, float32\[3, 5\] in the model"),
    ({"layer1": {"w": np.zeros((3, 4)), "b": np.zeros(4)}},
     r"layer1.w is float32\[3, 4\] in the file, float64\[3, 4\] in the model"),
    ({f"l{i}": np.zeros(1) for i in range(20)}, "it has no l0; its arrays are layer1"),
])
def test_a_checkpoint_of_another_model(tmp_path, suffix, other, sentence):
    path = lab.save_tree(MODEL, tmp_path / f"a{suffix}")
    with pytest.raises(lab.LabError, match=f"checkpoint of another model: {sentence}"):
        lab.load_tree(path, like=other)


@BOTH
def test_other_sentences(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    with pytest.raises(lab.LabError, match="cannot be read: No such file"):
        lab.load_tree(path)
    with pytest.raises(lab.LabError, match="a is complex128, which a file of arrays does not"):
        lab.save_tree({"a": np.zeros(2, complex)}, path)
    with pytest.raises(lab.LabError, match="'a.b' would name two arrays"):
        lab.save_tree({"a.b": np.zeros(2), "a": {"b": np.zeros(2)}}, path)
    with pytest.raises(lab.LabError, match="the suffix says the format; it is one of .npz, .safe"):
        lab.save_tree(MODEL, tmp_path / "a.pkl")
    lab.save_tree({"a": np.zeros(1), "a.b": np.zeros(1)}, path)
    with pytest.raises(lab.LabError, match="pass like="):
        lab.load_tree(path)


@BOTH
def test_a_write_that_fails_leaves_the_old_file(tmp_path, suffix):
    path = lab.save_tree(MODEL, tmp_path / f"a{suffix}")
    before = path.read_bytes()
    with pytest.raises(lab.LabError):
        lab.save_tree({"a": np.zeros(2), "b": object()}, path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1
