"""Fashion-MNIST, an optional set that does not ship with the course and is never downloaded."""

import gzip
import hashlib
import os
import tempfile
import zlib
from pathlib import Path

import numpy as np

from ._files import DataFileError
from .real import MNIST

FOLDER = Path("/usr/share/datasets/fashion-mnist")  # where Debian's package puts the files
VARIABLE = "COURSE_DATA_CACHE"
# SHA-256 of the unpacked files: the headers of the packed ones differ between distributors.
CHECKS = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def fashion_mnist(cache=None):
    """Fashion-MNIST: pictures of clothes in the sizes and the order of MNIST.

    The four files ``train-images-idx3-ubyte.gz``, ``train-labels-idx1-ubyte.gz``,
    ``t10k-images-idx3-ubyte.gz`` and ``t10k-labels-idx1-ubyte.gz`` are looked for in the cache
    folder, then where Debian's package ``dataset-fashion-mnist`` puts them. Files that were found
    there and are sound are copied into the cache folder if one was named; each copy appears whole
    or not at all.

    Parameters
    ----------
    cache : path, optional
        The cache folder. Without it the environment variable ``COURSE_DATA_CACHE`` names it;
        without that there is none.

    Returns
    -------
    MNIST
        Images (60000, 28, 28) and (10000, 28, 28), labels (60000,) and (10000,), all uint8. Classes
        0 to 9: T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.

    Raises
    ------
    DataFileError
        If a file is nowhere to be found, is damaged, or the cache folder cannot be written.

    Notes
    -----
    Xiao, Rasul, Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms", arXiv:1708.07747 (2017). Licence: MIT (Expat).
    """
    cache = cache or os.environ.get(VARIABLE)
    cache = Path(cache).expanduser() if cache else None
    folders = [cache, FOLDER] if cache else [FOLDER]
    content = {name: _find(name, folders, cache) for name in CHECKS}

    def images(part):
        data = np.frombuffer(content[f"{part}-images-idx3-ubyte"], np.uint8, offset=16)
        return data.reshape(-1, 28, 28).copy()

    def labels(part):
        return np.frombuffer(content[f"{part}-labels-idx1-ubyte"], np.uint8, offset=8).copy()

    return MNIST(images("train"), labels("train"), images("t10k"), labels("t10k"))


def _find(name, folders, cache):
    for folder in folders:
        path = folder / f"{name}.gz"
        try:
            packed = path.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise DataFileError(f"{path} cannot be read: {error.strerror}.") from error
        unpacked = _unpack(path, packed)
        if cache and folder != cache:
            _store(cache / path.name, packed)
        return unpacked
    raise DataFileError(
        f"{name}.gz of Fashion-MNIST is not in {' or '.join(map(str, folders))}. "
        "This set is optional and is not downloaded for you. Either install Debian's package\n"
        "    sudo apt install dataset-fashion-mnist\n"
        "or put its four .gz files into a folder and name it: fashion_mnist(cache=...) or "
        f"the environment variable {VARIABLE}."
    )


def _unpack(path, packed):
    try:
        unpacked = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error):
        raise DataFileError(f"{path} is damaged: it does not unpack. Delete it and get it again.") from None
    name = path.name.removesuffix(".gz")
    if hashlib.sha256(unpacked).hexdigest() != CHECKS[name]:
        raise DataFileError(f"{path} was altered: its SHA-256 is not Fashion-MNIST's. Delete it and get it again.")
    return unpacked


def _store(path, content):
    """Write beside the target, then rename: nobody ever sees half a file."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            temporary = Path(file.name)
            file.write(content)
        temporary.replace(path)
    except OSError as error:
        if temporary:
            temporary.unlink(missing_ok=True)
        raise DataFileError(
            f"The cache folder {path.parent} cannot be written: {error.strerror}. "
            f"Name another one, or none: unset {VARIABLE}."
        ) from error
