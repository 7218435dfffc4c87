"""Fashion-MNIST is looked for, checked and cached; here with four small files in its place."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from course_lib import data
from course_lib.data import fashion

FILES = {
    "train-images-idx3-ubyte": bytes(16) + bytes(range(28)) * 28 * 3,
    "train-labels-idx1-ubyte": bytes(8) + bytes([1, 2, 3]),
    "t10k-images-idx3-ubyte": bytes(16) + bytes(range(28)) * 28 * 2,
    "t10k-labels-idx1-ubyte": bytes(8) + bytes([4, 5]),
}


@pytest.fixture
def debian(tmp_path, monkeypatch):
    folder = tmp_path / "debian"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    monkeypatch.setattr(fashion, "FOLDER", folder)
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    monkeypatch.setattr(fashion, "CHECKS", sums)
    monkeypatch.delenv(fashion.VARIABLE, raising=False)
    return folder


def test_reads_where_debian_puts_the_files(debian):
    found = data.fashion_mnist()
    assert (found.train_images.shape, found.test_images.shape) == ((3, 28, 28), (2, 28, 28))
    assert found.train_images[0, 0].tolist() == list(range(28))
    assert (found.train_labels.tolist(), found.test_labels.tolist()) == ([1, 2, 3], [4, 5])
    found.train_images[:] = 0  # the arrays are the caller's own


@pytest.mark.parametrize("way", ["argument", "variable"])
def test_cache_serves_when_the_source_is_gone(debian, tmp_path, monkeypatch, way):
    cache = tmp_path / "new" / "cache"
    if way == "variable":
        monkeypatch.setenv(fashion.VARIABLE, str(cache))
    named = {"cache": cache} if way == "argument" else {}
    before = data.fashion_mnist(**named)
    assert sorted(p.name for p in cache.iterdir()) == sorted(f"{name}.gz" for name in FILES)
    for path in debian.iterdir():
        path.unlink()
    after = data.fashion_mnist(**named)
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_missing_says_where_to_get_it(debian, tmp_path):
    (debian / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(data.DataFileError) as caught:
        data.fashion_mnist(cache=tmp_path / "cache")
    for part in ("t10k-labels-idx1-ubyte.gz", str(debian), "dataset-fashion-mnist", "cache="):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda packed: packed[:-9], "does not unpack"),
        (lambda packed: b"<html>not found</html>", "does not unpack"),
        (lambda packed: gzip.compress(b"something else"), "was altered"),
    ],
)
def test_damaged_file_is_refused_and_not_cached(debian, tmp_path, change, message):
    path = debian / "train-images-idx3-ubyte.gz"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(data.DataFileError, match=f"{path.name} .*{message}.*Delete it") as caught:
        data.fashion_mnist(cache=tmp_path / "cache")
    assert str(debian) in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_damaged_cache_is_named(debian, tmp_path):
    data.fashion_mnist(cache=tmp_path / "cache")
    path = tmp_path / "cache" / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(data.DataFileError, match=str(path)):
        data.fashion_mnist(cache=tmp_path / "cache")


def test_nothing_half_written_stays_behind(debian, tmp_path, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(data.DataFileError, match="cannot be written: No space left.*unset COURSE_"):
        data.fashion_mnist(cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_cache_that_is_no_folder_is_refused(debian, tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(data.DataFileError, match="cannot be read"):
        data.fashion_mnist(cache=tmp_path / "cache")
