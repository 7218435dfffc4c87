"""Data of the course as plain NumPy arrays, and what prepares them for a network. Real sets (`mnist`, `names`,
`sunspots`, `ecg_beats`, `sensors`, `spectra`) lie in ``files/``; its ``NOTICE.md`` gives sources and licences.
A sine wave (`sine`) is made when asked for. `windows`, `split`, `Scaler` and `Batches` lead to a training
step; `split` and `seal` keep the test part closed until the lesson opens it."""

from ._files import DataFileError
from .batches import Batches
from .preparation import Scaler, windows
from .real import Names, ecg_beats, mnist, names, sensors, spectra, sunspots
from .sealed import SealedError, seal, split
from .simulated import sine

__all__ = ["Batches", "DataFileError", "Names", "Scaler", "SealedError", "ecg_beats", "mnist", "names",
           "seal", "sensors", "sine", "spectra", "split", "sunspots", "windows"]  # fmt: skip
