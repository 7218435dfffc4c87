"""The files of the course: whole, the sets that they say they are, and refused when damaged."""

import hashlib
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from course_lib import data
from course_lib.data import _files
from course_lib.data.sealed import row_keys

LOADERS = {
    "mnist.npz": data.mnist,
    "names.txt.xz": data.names,
    "sunspots.npz": data.sunspots,
    "ecg_beats.npz": data.ecg_beats,
    "sensors.npz": data.sensors,
    "spectra.npz": data.spectra,
}


@pytest.fixture(scope="module")
def mnist():
    return data.mnist()


@pytest.fixture(scope="module")
def names():
    return data.names()


# --- the files ---------------------------------------------------------------------------------


def test_notice_table_loaders_and_files_agree():
    in_folder = {path.name for path in _files.FOLDER.iterdir()} - {"NOTICE.md"}
    assert in_folder == set(_files.CHECKS) == set(LOADERS)
    notice = (_files.FOLDER / "NOTICE.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\S+\.\w+)\n(.*?)(?=^## )", notice, re.MULTILINE | re.DOTALL))
    assert set(sections) == set(_files.CHECKS)
    for name, (checksum, length) in _files.CHECKS.items():
        content = (_files.FOLDER / name).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (checksum, length)
        assert f"**SHA-256:** `{checksum}`" in sections[name]
        assert "**Source:**" in sections[name]
        assert re.search(r"\*\*(Credit and l|L)icence:\*\*", sections[name])


@pytest.fixture
def copy_of(tmp_path, monkeypatch):
    """A folder that stands for ``files/``, with one file in it that a test may spoil."""
    monkeypatch.setattr(_files, "FOLDER", tmp_path)

    def place(name, change=lambda content: content):
        content = (Path(data.__file__).parent / "files" / name).read_bytes()
        (tmp_path / name).write_bytes(change(content))
        return LOADERS[name]

    return place


@pytest.mark.parametrize("name", LOADERS)
def test_missing_file_is_named_with_the_way_out(name, copy_of):
    with pytest.raises(data.DataFileError) as caught:
        LOADERS[name]()
    assert f"{name} is missing" in str(caught.value)
    assert f"git checkout -- course_lib/data/files/{name}" in str(caught.value)


@pytest.mark.parametrize("name", ["sunspots.npz", "names.txt.xz"])
def test_truncated_file_is_refused(name, copy_of):
    load = copy_of(name, lambda content: content[:-100])
    with pytest.raises(data.DataFileError, match=rf"{name} is cut short: it has [\d,]+ of [\d,]+"):
        load()


@pytest.mark.parametrize("name", ["sunspots.npz", "names.txt.xz"])
@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:50] + bytes([content[50] ^ 1]) + content[51:],
        lambda content: content + b"\0",
    ],
)
def test_altered_file_is_refused(name, change, copy_of):
    load = copy_of(name, change)
    with pytest.raises(data.DataFileError, match=f"{name} was altered.*\n.*git checkout"):
        load()


def test_unreadable_file_is_refused(copy_of, tmp_path):
    (tmp_path / "sunspots.npz").mkdir()
    with pytest.raises(data.DataFileError, match="sunspots.npz cannot be read"):
        data.sunspots()


def test_sound_copy_is_read(copy_of):
    assert len(copy_of("sunspots.npz")().values) == 3126


def test_every_set_loads_without_writing_from_any_folder_and_without_heavy_imports(tmp_path):
    code = f"""
import os, sys
sys.path.insert(0, {str(Path(data.__file__).parents[2])!r})
def no_writing(event, arguments):
    if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        raise PermissionError(30, "Read-only file system", str(arguments[0]))
    if event in ("os.mkdir", "os.rename", "os.remove"):
        raise PermissionError(30, "Read-only file system")
sys.dont_write_bytecode = True
from course_lib import data
sys.addaudithook(no_writing)
for name in {[loader.__name__ for loader in LOADERS.values()]}:
    getattr(data, name)()
heavy = {{"torch", "tensorflow", "keras", "matplotlib", "scipy", "pandas", "sklearn"}}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
    assert not list(tmp_path.iterdir())


def test_arrays_belong_to_the_caller():
    data.sunspots().values[:] = -1
    assert data.sunspots().values.min() == 0


# --- the sets ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "images", "labels"),
    [
        (
            "train",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        (
            "test",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ],
)
def test_mnist_is_the_official_set_byte_for_byte(mnist, part, images, labels):
    x, y = getattr(mnist, f"{part}_images"), getattr(mnist, f"{part}_labels")
    assert x.dtype == y.dtype == np.uint8
    header = struct.pack(">IIII", 0x803, *x.shape)
    assert hashlib.sha256(header + x.tobytes()).hexdigest() == images
    header = struct.pack(">II", 0x801, len(y))
    assert hashlib.sha256(header + y.tobytes()).hexdigest() == labels


def test_mnist_counts_and_pixels(mnist):
    assert mnist.train_images.shape == (60000, 28, 28)
    assert mnist.test_images.shape == (10000, 28, 28)
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(mnist.train_labels).tolist() == counts
    pixels = mnist.train_images / np.float32(255)
    assert pixels.mean(dtype=np.float64) == pytest.approx(0.1307, abs=5e-5)
    assert pixels.std(dtype=np.float64) == pytest.approx(0.3081, abs=5e-5)


@pytest.mark.parametrize("flat", [True, False])
def test_mnist_split_gives_the_parts_that_the_lessons_take(mnist, flat):
    parts = mnist.split(train=300, validation=200, test=100, flat=flat)
    taken = {
        "train": (parts.train, mnist.train_images[:300], mnist.train_labels[:300]),
        "validation": (parts.validation, mnist.train_images[-200:], mnist.train_labels[-200:]),
        "test": (parts.test.open(), mnist.test_images[:100], mnist.test_labels[:100]),
    }
    for (x, y), images, labels in taken.values():
        assert (x.dtype, y.dtype) == (np.float32, np.int64)
        assert np.array_equal(x, (images.reshape(-1, 784) if flat else images) / np.float32(255))
        assert np.array_equal(y, labels)
    assert [len(part) for part in mnist.split(train=5).validation] == [0, 0]


def test_mnist_split_seals_the_test_part_and_refuses_what_cannot_be_had(mnist):
    with pytest.raises(data.SealedError):
        np.asarray(mnist.split(train=10, test=10).test)
    for sizes in ({"train": 50_001, "validation": 10_000}, {"train": 1, "test": 10_001}):
        with pytest.raises(ValueError, match="there are 60000 digits for the first two and 10000 for the test"):
            mnist.split(**sizes)
    with pytest.raises(ValueError, match="train is 0"):
        mnist.split(train=0)


def test_mnist_holds_no_digit_in_both_parts(mnist):
    # What lets MNIST.split do without the comparison of rows that `split` makes.
    keys = [set(row_keys(images.reshape(-1, 784)).tolist()) for images in (mnist.train_images, mnist.test_images)]
    assert [len(k) for k in keys] == [60_000, 10_000]
    assert not keys[0] & keys[1]


def test_names_counts(names):
    counts = dict(zip(names.language_names, np.bincount(names.languages).tolist(), strict=True))
    documented = {
        language: int(count)
        for language, count in re.findall(r"([A-Z][a-z]+)\s+(\d+)[,.]", data.names.__doc__.split("26,666 rows.")[1])
    }
    assert counts == documented
    assert (len(counts), len(names.names)) == (23, 26666)
    assert list(names.language_names) == sorted(names.language_names)


def test_names_are_plain_and_single_within_a_language(names):
    assert set("".join(names.names)) == set("abcdefghijklmnopqrstuvwxyz '-")
    pairs = list(zip(names.names.tolist(), names.languages.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)


def test_names_know_which_are_shared(names):
    languages_of = {}
    for name, language in zip(names.names.tolist(), names.languages.tolist(), strict=True):
        languages_of.setdefault(name, set()).add(language)
    expected = [len(languages_of[name]) > 1 for name in names.names.tolist()]
    assert names.shared.tolist() == expected
    assert sum(len(languages) > 1 for languages in languages_of.values()) == 1197


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("abramov", "Russian"),  # Абрамов
        ("shcherbakov", "Russian"),  # Щербаков
        ("avdieienko", "Ukrainian"),  # Авдєєнко
        ("papadopoulos", "Greek"),  # Παπαδόπουλος
        ("muller", "German"),  # Müller
        ("novakova", "Czech"),  # Nováková
        ("suzuki", "Japanese"),
    ],
)
def test_names_are_written_in_plain_letters(names, name, language):
    rows = np.flatnonzero(names.names == name)
    assert language in {names.language_names[i] for i in names.languages[rows]}


def test_names_select_caps_the_largest_languages(names):
    chosen = names.select(languages=20, cap=800)
    counts = np.bincount(chosen.languages)
    assert len(chosen.language_names) == len(counts) == 20
    assert not {"Chinese", "Japanese", "Hungarian"} & set(chosen.language_names)
    assert counts.max() == 800
    assert counts.min() == 477  # Czech, whole
    everything = set(zip(names.names, np.array(names.language_names)[names.languages], strict=True))
    part = set(zip(chosen.names, np.array(chosen.language_names)[chosen.languages], strict=True))
    assert part <= everything
    assert chosen.names.tolist() == names.select().names.tolist()
    assert chosen.names.tolist() != names.select(seed=1).names.tolist()


def test_names_split_puts_no_string_in_both_parts(names):
    chosen = names.select()
    train, test = chosen.split(test=0.2)
    assert sorted([*train, *test]) == list(range(len(chosen.names)))
    assert not set(chosen.names[train]) & set(chosen.names[test])
    assert len(test) / len(chosen.names) == pytest.approx(0.2, abs=0.01)
    assert np.array_equal(test, chosen.split(test=0.2)[1])
    # A plain split of the rows leaks, which is why this one exists.
    rows = np.random.default_rng(0).permutation(len(chosen.names))
    cut = len(rows) // 5
    assert set(chosen.names[rows[:cut]]) & set(chosen.names[rows[cut:]])


def test_names_refuse_what_cannot_be_had(names):
    with pytest.raises(ValueError, match="languages is 24; there are 23"):
        names.select(languages=24)
    with pytest.raises(ValueError, match="cap is 0; give a whole number"):
        names.select(cap=0)
    for share in (0, 1, 1e-9, -0.2, float("nan")):
        with pytest.raises(ValueError, match="leaves a part empty"):
            names.split(test=share)


def test_sunspots():
    monthly, yearly = data.sunspots(), data.sunspots(yearly=True)
    assert monthly.values.shape == monthly.time.shape == (3126,)
    assert (monthly.values.min(), monthly.values.max()) == (0.0, 253.8)
    assert monthly.values[:3].tolist() == [58.0, 62.6, 70.0]
    assert monthly.time[0] == pytest.approx(1749 + 0.5 / 12)
    assert monthly.time[-1] == pytest.approx(2009 + 5.5 / 12)
    assert (yearly.values.shape, yearly.time[0], yearly.time[-1]) == ((309,), 1700.5, 2008.5)
    # The means of the months are the years of the other file.
    months = monthly.values[: 12 * 260].reshape(260, 12).mean(axis=1)
    assert np.abs(months - yearly.values[49:]).max() < 0.5
    assert np.corrcoef(months, yearly.values[49:])[0, 1] > 0.99999


def test_ecg_beats():
    first, second = data.ecg_beats()
    assert (first.record, first.leads) == ("100", ("MLII", "V5"))
    assert (second.record, second.leads) == ("101", ("MLII", "V1"))
    counts = [dict(zip(*np.unique(r.beat_labels, return_counts=True), strict=True)) for r in (first, second)]
    assert counts == [{"N": 2239, "A": 33, "V": 1}, {"N": 1860, "A": 3, "Q": 2}]
    for record in (first, second):
        assert (record.signal.shape, record.signal.dtype) == ((650000, 2), np.float32)
        assert record.beat_samples.dtype == np.int64
        assert len(record.beat_samples) == len(record.beat_labels)
        assert (np.diff(record.beat_samples) > 0).all()
        assert 0 <= record.beat_samples[0] < record.beat_samples[-1] < 650000
    assert first.signal[0] == pytest.approx([(995 - 1024) / 200, (1011 - 1024) / 200])
    # The marks lie on the beats: the lead is far above its median there.
    at_beats = first.signal[first.beat_samples, 0]
    assert np.median(at_beats) - np.median(first.signal[:, 0]) > 0.8


def test_sensors():
    sensors = data.sensors()
    assert {len(column) for column in sensors} == {18914}
    events = np.bincount(sensors.mote, weights=sensors.event, minlength=5)
    assert events.tolist() == [0, 117, 0, 0, 32]
    assert set(sensors.mote[sensors.indoor]) == {1, 2}
    for mote in (1, 2, 3, 4):
        assert set(np.diff(sensors.time[sensors.mote == mote])) == {5.0}
    assert 0 <= sensors.humidity.min() < sensors.humidity.max() <= 100
    assert 20 < sensors.temperature.min() < sensors.temperature.max() < 60


def test_spectra():
    spectra = data.spectra()
    assert (spectra.spectra.shape, spectra.spectra.dtype) == ((1629, 410), np.float32)
    assert 950 <= spectra.wavenumbers[0] < spectra.wavenumbers[-1] <= 1500
    assert (np.diff(spectra.wavenumbers) > 0).all()
    assert spectra.hours[-1] == pytest.approx(33.9, abs=0.05)
    assert spectra.glucose.shape == spectra.glucose_hours.shape == (34,)
    centred = spectra.spectra - spectra.spectra.mean(axis=0, dtype=np.float64)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    assert 100 * s[:4] ** 2 / (s**2).sum() == pytest.approx([93.8, 4.3, 1.0, 0.6], abs=0.05)
    glucose = np.interp(spectra.hours, spectra.glucose_hours, spectra.glucose)
    assert abs(np.corrcoef(u[:, 0], glucose)[0, 1]) == pytest.approx(0.80, abs=0.01)
