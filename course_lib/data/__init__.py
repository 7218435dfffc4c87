"""Data of the course as plain NumPy arrays, and what prepares them for a network. Real sets (`mnist`, `names`,
`sunspots`, `ecg`, `ecg_beats`, `sensors`, `spectra`) lie in ``files/``; its ``NOTICE.md`` gives sources and licences.
Simulated ones (`sine`, `lorenz`) are made when asked for. `windows`, `split`, `Scaler` and `Batches` lead to a training
step; `split` and `seal` keep the test part closed until the lesson opens it."""

from ._files import DataFileError
from .batches import Batches
from .preparation import Scaler, split_by_time, windows
from .real import Names, ecg, ecg_beats, mnist, names, sensors, spectra, sunspots
from .sealed import SealedError, seal, split
from .simulated import lorenz, rk4, sine

__all__ = ["Batches", "DataFileError", "Names", "Scaler", "SealedError", "ecg", "ecg_beats", "lorenz", "mnist",
           "names", "rk4", "seal", "sensors", "sine", "spectra", "split", "split_by_time", "sunspots", "windows"]  # fmt: skip
