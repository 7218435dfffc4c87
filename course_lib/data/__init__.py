"""Data of the course as plain NumPy arrays, and what prepares them for a network.

Real sets (`mnist`, `names`, `sunspots`, `ecg`, `ecg_beats`, `sensors`, `spectra`, `moby_dick`) lie
in ``files/``, whose ``NOTICE.md`` gives source and licence of each. Simulated ones (`sine`,
`pendulum`, `lorenz`) are made when asked for. `windows`, `split_by_time`, `Scaler` and `Batches`
lead from there to a training step.
"""

from ._files import DataFileError
from .batches import Batches
from .fashion import fashion_mnist
from .preparation import Scaler, split_by_time, windows
from .real import (
    ECG,
    MNIST,
    ECGRecord,
    Names,
    Sensors,
    Spectra,
    ecg,
    ecg_beats,
    mnist,
    moby_dick,
    names,
    sensors,
    spectra,
    sunspots,
)
from .simulated import Series, lorenz, pendulum, rk4, sine

__all__ = [
    "ECG",
    "MNIST",
    "Batches",
    "DataFileError",
    "ECGRecord",
    "Names",
    "Scaler",
    "Sensors",
    "Series",
    "Spectra",
    "ecg",
    "ecg_beats",
    "fashion_mnist",
    "lorenz",
    "mnist",
    "moby_dick",
    "names",
    "pendulum",
    "rk4",
    "sensors",
    "sine",
    "spectra",
    "split_by_time",
    "sunspots",
    "windows",
]
