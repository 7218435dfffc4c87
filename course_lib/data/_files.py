"""Reading the files that ship with the course: whole, checked against SHA-256, no disk cache."""

import hashlib
import io
import lzma
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent / "files"
# SHA-256 and length in bytes of every data file; files/NOTICE.md says where each comes from.
CHECKS = {
    "mnist.npz": ("04264ff3782eb986c503d57b901e2b943c1a26ff3bd26d26606e38e7368df925", 11266794),
    "names.txt.xz": ("d993fc8dae9ac93ff86c5ecf6fb38819c0aae203547903b92a7eedebaea283bc", 75860),
    "sunspots.npz": ("375e500605fbd6e0255ca1d2e4de60cd4c2a559aed90dc8e040a0e0ba4df7133", 6446),
    "ecg_beats.npz": ("7e2dc311da8967d3b6973c5a985958a00a502a8336a8a1a6f159ec3d87ceb586", 1234165),
    "sensors.npz": ("5400ec1c6c32002308158f5a5be97ea313214200c05a0a90674e3dd0b0bff970", 29529),
    "spectra.npz": ("b6168d4ef362b1955ecb37b7fe4bf67e15b88b08885c2c26554c35e2efbe4e35", 1600323),
}


class DataFileError(RuntimeError):
    """A data file is missing, cut short or altered; the message says which and what to do."""


def read_bytes(name: str) -> bytes:
    """The content of ``files/<name>``; `DataFileError` if it is missing, unreadable, cut short or altered."""
    path = FOLDER / name
    checksum, length = CHECKS[name]
    try:
        content = path.read_bytes()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise _refusal(path, "is missing" if missing else f"cannot be read ({error.strerror})") from error
    if len(content) < length:
        raise _refusal(path, f"is cut short: it has {len(content):,} of {length:,} bytes")
    if hashlib.sha256(content).hexdigest() != checksum:
        raise _refusal(path, "was altered: its SHA-256 is not that of the course's copy")
    return content


def read_arrays(name: str) -> dict[str, np.ndarray]:
    """The arrays of ``files/<name>`` (an ``.npz``) by name; see `read_bytes` for the errors."""
    with np.load(io.BytesIO(read_bytes(name)), allow_pickle=False) as arrays:
        return dict(arrays)


def read_text(name: str) -> str:
    """The text of ``files/<name>`` (UTF-8, xz); see `read_bytes` for the errors."""
    return lzma.decompress(read_bytes(name)).decode("utf-8")


def _refusal(path: Path, what: str) -> DataFileError:
    return DataFileError(
        f"The data file {path} {what}. Restore it: in the folder of the course, run\n"
        f"    git checkout -- course_lib/data/files/{path.name}"
    )
