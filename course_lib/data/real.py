"""The sets that ship with the course. Each call reads its file anew and checks it. Nothing is cached, so that changing
an array changes nothing elsewhere. Every loader raises `DataFileError` if its file is missing or damaged. Sources and
licences are in ``files/NOTICE.md``."""

from typing import NamedTuple

import numpy as np

from ._checks import whole
from ._files import read_arrays, read_text
from .sealed import Parts, Sealed
from .simulated import Series


class MNIST(NamedTuple):
    """Handwritten digits: images (n, 28, 28) uint8, 0 is paper and 255 is ink; labels (n,) uint8 from 0 to 9."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray

    def split(self, train: int, validation: int = 0, test: int | None = None, flat: bool = True) -> Parts:
        """Digits ready for a network, in the official order, the test part sealed. The first `train` of the training
        digits are to train on, the last `validation` to validate with; `test` counts the first test digits (all if
        None). Images are float32 from 0 to 1, (n, 784) or, if not `flat`, (n, 28, 28); labels (n,) int64. ValueError if
        there are fewer digits than asked for, or a number is not whole, or negative."""
        most, all_test = len(self.train_labels), len(self.test_labels)
        train, validation = whole("train", train), whole("validation", validation, least=0)
        test = all_test if test is None else whole("test", test)
        if train + validation > most or test > all_test:
            asked = f"train={train}, validation={validation} and test={test}"
            raise ValueError(f"{asked}: there are {most} digits for the first two and {all_test} for the test.")

        def ready(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            images = images / np.float32(255)
            return images.reshape(-1, 784) if flat else images, labels.astype(np.int64)

        images, labels, first_held = self.train_images, self.train_labels, most - validation
        last = Sealed(*ready(self.test_images[:test], self.test_labels[:test]))
        return Parts(ready(images[:train], labels[:train]), ready(images[first_held:], labels[first_held:]), last)


def mnist() -> MNIST:
    """The whole MNIST set: 60,000 digits to train on, 10,000 to test on, in the official order. Mean and standard
    deviation of the training pixels divided by 255 are 0.1307 and 0.3081. `MNIST.split` makes the parts that a network
    takes. LeCun et al., Proc. IEEE 86 (1998), 2278, section III.A, doi:10.1109/5.726791."""
    return MNIST(**read_arrays("mnist.npz"))


class Names(NamedTuple):
    """Surnames and the language of each, one a row. `names` (n,) str: in lower case, a to z, space, apostrophe, hyphen.
    `languages` (n,) int64: index into `language_names`, which is in the order of the alphabet. `shared` (n,) bool:
    whether the string is also a name of another language of the whole collection; its letters cannot tell it, so every
    classifier has a ceiling below 1."""

    names: np.ndarray
    languages: np.ndarray
    language_names: tuple[str, ...]
    shared: np.ndarray

    def select(self, languages: int = 20, cap: int = 800, seed: int = 0) -> "Names":
        """Keep the `languages` with most names, and of each at most `cap` names drawn at random with `seed`. They stay
        in the order of the alphabet and are numbered anew. ValueError if there are fewer languages than asked for, or a
        number is not a positive whole number."""
        languages, cap = whole("languages", languages), whole("cap", cap)
        if languages > len(self.language_names):
            raise ValueError(f"languages is {languages}; there are {len(self.language_names)} to choose from.")
        counts = np.bincount(self.languages, minlength=len(self.language_names))
        chosen = np.sort(np.argsort(-counts, kind="stable")[:languages])
        rng = np.random.default_rng(seed)
        kept = [np.sort(rng.permutation(np.flatnonzero(self.languages == language))[:cap]) for language in chosen]
        rows, numbers = np.concatenate(kept), np.repeat(np.arange(languages), [len(k) for k in kept])
        return Names(self.names[rows], numbers, tuple(self.language_names[i] for i in chosen), self.shared[rows])

    def split(self, test: float = 0.2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Split at random so that no string is in both parts, not even under two languages. `test` is the share of the
        different strings that the test part gets. Returns the row numbers of the training and of the test part, (a,)
        and (b,) int64, shuffled, a + b = n. ValueError if a part would be empty."""
        strings, string_of_row = np.unique(self.names, return_inverse=True)
        rng = np.random.default_rng(seed)
        count = round(test * len(strings)) if 0 < test < 1 else 0
        if not 0 < count < len(strings):
            raise ValueError(
                f"test={test} leaves a part empty; give a share of the {len(strings)} names, between 0 and 1."
            )
        in_test = np.zeros(len(strings), dtype=bool)
        in_test[rng.permutation(len(strings))[:count]] = True
        rows = rng.permutation(len(self.names))
        return rows[~in_test[string_of_row[rows]]], rows[in_test[string_of_row[rows]]]


def names() -> Names:
    """Surnames in 23 languages, written in plain lower-case letters. Without accents; Russian and Ukrainian (letter by
    letter) and Greek (ELOT 743) are transliterated, Chinese is in pinyin or Wade-Giles, Japanese in Hepburn. Each
    language holds a name once; Russian, Czech, Slovak, Greek and Icelandic hold forms for men and women as two. From
    Faker and Mimesis, lists for making up people: frequencies mean nothing. 26,666 rows. Russian 3215, Irish 2319,
    German 2179, French 1767, Portuguese 1649, Slovak 1514, Greek 1435, Icelandic 1431, Spanish 1385, Italian 1163,
    English 1114, Dutch 1067, Danish 1004, Polish 935, Croatian 865, Swedish 750, Ukrainian 640, Finnish 613, Estonian
    566, Czech 477, Hungarian 353, Chinese 176, Japanese 49."""
    rows = [line.split("\t") for line in read_text("names.txt.xz").splitlines()]
    language_names, languages = np.unique([language for language, _ in rows], return_inverse=True)
    strings = np.array([name for _, name in rows])
    _, string_of_row, counts = np.unique(strings, return_inverse=True, return_counts=True)
    shared = counts[string_of_row] > 1
    return Names(strings, languages.astype(np.int64), tuple(language_names.tolist()), shared)


def sunspots(yearly: bool = False) -> Series:
    """The international sunspot number (version 1): monthly, January 1749 to June 2009, or yearly, 1700 to 2008.
    ``time`` in years (the middle of the month or year; 1749.0 is the first of January) and ``values``, both (n,)
    float64; n is 3126 months or 309 years. National Geophysical Data Center, public domain. February 1824 was not
    observed: its value is interpolated. Values after 2008 were preliminary."""
    kind, start, step = ("yearly", 1700.0, 1.0) if yearly else ("monthly", 1749.0, 1 / 12)
    values = read_arrays("sunspots.npz")[kind]
    return Series(start + step * (np.arange(len(values)) + 0.5), values, "1", f"{kind} mean sunspot number", "years")


class ECGRecord(NamedTuple):
    """Record `record` of the MIT-BIH Arrhythmia Database, two leads with labelled beats. `signal` (n, 2) float32 in mV,
    a column for each of `leads`; `rate` in Hz. `beat_samples` (b,) int64: sample at which each beat is marked (its R
    peak, or near it), in the order of time. `beat_labels` (b,) str, the cardiologists': N normal, A atrial premature, V
    premature ventricular, Q unclassifiable."""

    record: str
    signal: np.ndarray
    rate: float
    beat_samples: np.ndarray
    beat_labels: np.ndarray
    leads: tuple[str, str]


def ecg_beats() -> tuple[ECGRecord, ECGRecord]:
    """Two half-hour electrocardiograms with every beat labelled by cardiologists. Records 100 (2239 N, 33 A, 1 V) and
    101 (1860 N, 3 A, 2 Q), ``signal`` (650000, 2) at 360 Hz. Marks that are no beats (changes of rhythm or of signal
    quality) are left out. MIT-BIH Arrhythmia Database, source as of `ecg`."""
    arrays = read_arrays("ecg_beats.npz")

    def labelled(record: str) -> ECGRecord:
        symbols = arrays[f"symbols_{record}"]
        beats = np.isin(symbols, ["N", "A", "V", "Q"])
        signal = np.ascontiguousarray(_millivolts(arrays[f"steps_{record}"]).T)
        samples = arrays[f"samples_{record}"][beats].astype(np.int64)
        return ECGRecord(record, signal, 360.0, samples, symbols[beats], tuple(arrays[f"leads_{record}"].tolist()))

    return labelled("100"), labelled("101")


def _millivolts(steps: np.ndarray) -> np.ndarray:
    """From the differences that the files hold (they compress better), in steps of 1/200 mV."""
    return (np.cumsum(steps, axis=-1, dtype=np.int32) / 200).astype(np.float32)


class Sensors(NamedTuple):
    """Readings of wireless sensors, one row each, sorted by sensor and time; every array (n,). `mote` int64: sensor, 1
    to 4. `time` float64: seconds since its first reading (one every 5 s). `humidity` (relative, %), `temperature` (°C)
    float64. `event` bool: the experimenters made an event then. `indoor` bool, as 1 and 2 were."""

    mote: np.ndarray
    time: np.ndarray
    humidity: np.ndarray
    temperature: np.ndarray
    event: np.ndarray
    indoor: np.ndarray


def sensors() -> Sensors:
    """Temperature and humidity at four sensors over some six hours, 18,914 rows with labelled events. Events: 117 rows
    of mote 1, 32 rows of mote 4, none of motes 2 and 3. Suthaharan, Alzahrani, Rajasegarar, Leckie, Palaniswami,
    "Labelled data collection for anomaly detection in wireless sensor networks", ISSNIP 2010."""
    arrays = read_arrays("sensors.npz")
    mote, time = arrays["mote"].astype(np.int64), 5.0 * (arrays["reading"] - 1)
    event, indoor = arrays["event"].astype(bool), arrays["indoor"].astype(bool)
    return Sensors(mote, time, arrays["humidity"], arrays["temperature"], event, indoor)


class Spectra(NamedTuple):
    """Mid-infrared spectra of one fermentation. `spectra` (1629, 410) float32: absorbance (no unit), one spectrum per
    row. `wavenumbers` (410,) float64: of each column, in 1/cm. `hours` (1629,) float64: time of each row (one every
    1.25 minutes). `glucose_hours`, `glucose` (34,) float64: times in hours of measurements by liquid chromatography,
    and what was found in g/L."""

    spectra: np.ndarray
    wavenumbers: np.ndarray
    hours: np.ndarray
    glucose_hours: np.ndarray
    glucose: np.ndarray


def spectra() -> Spectra:
    """Infrared spectra of a fermentation over 33.9 hours, with 34 measurements of its glucose. The first four principal
    components hold 93.8, 4.3, 1.0 and 0.6 % of the variance. Columns outside 950 to 1500 1/cm hold hardly any light and
    are left out. From chemotools, which cites Cabaneros Lopez et al., "Transforming data into information: a parallel
    hybrid model for real-time state estimation in lignocellulose ethanol fermentations"."""
    arrays = read_arrays("spectra.npz")
    values = np.ascontiguousarray(arrays["spectra"].T)
    hours = np.arange(len(values)) * 1.25 / 60
    return Spectra(values, arrays["wavenumbers"], hours, arrays["glucose_hours"], arrays["glucose"])
