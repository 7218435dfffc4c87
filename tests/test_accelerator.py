"""start() and its report: what it sets, what it refuses, and how it falls back to the CPU."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from course_lib import accelerator


def run(code, **environment):
    """Run code in a fresh interpreter; what start() sets can only be set before the frameworks are imported."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("COURSE_", "TF_", "KERAS_"))}
    return subprocess.run(
        [sys.executable, "-c", code], env={**clean, **environment}, capture_output=True, text=True, timeout=120
    )


def test_start_prints_two_lines_sets_threads_and_repeats_its_seed():
    code = """
import sys
from course_lib import accelerator
assert "torch" not in sys.modules and "tensorflow" not in sys.modules
machine = accelerator.start(seed=5)
import keras, numpy, random, tensorflow as tf, torch
def draw():
    return random.random(), numpy.random.rand(), torch.rand(1).item(), float(keras.random.uniform((1,))[0])
first = draw()
again = accelerator.start(seed=5, quiet=True)
assert draw() == first
assert accelerator.start(seed=6, quiet=True) and draw() != first
assert torch.get_num_threads() == 1 and tf.config.threading.get_intra_op_parallelism_threads() == 1
assert keras.backend.backend() == "tensorflow"
for n in range(8):  # a lesson has several models: TensorFlow would warn that it traces again
    tf.function(lambda x: x + 1)(tf.zeros(n))
assert machine.pick(lecture=1, full=2) == 1
assert machine.keras_device in ("/CPU:0", "/GPU:0") and machine.device.type in ("cpu", "cuda", "mps")
"""
    done = run(code, KERAS_BACKEND="torch")  # a user's own choice of backend must not reach the course
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip().splitlines()) == 2 and "PyTorch" in done.stdout and "Keras" in done.stdout
    assert done.stderr == ""


def test_the_full_profile_the_threads_and_the_cpu_can_be_asked_for():
    code = """
from course_lib import accelerator
machine = accelerator.start(seed=0)
assert machine.profile == "full" and machine.pick(lecture=1, full=2) == 2
assert machine.threads == 2 and machine.device.type == "cpu" and machine.keras_device == "/CPU:0"
"""
    done = run(code, COURSE_PROFILE="full", COURSE_THREADS="2", COURSE_DEVICE="cpu")
    assert done.returncode == 0, done.stderr
    assert "2 threads, profile full" in done.stdout


def test_tensorflow_sees_the_cpu_as_two_devices_if_asked_in_time():
    code = """
from course_lib import accelerator
accelerator.start(seed=0, cpu_devices=2)
import tensorflow as tf
assert len(tf.config.list_logical_devices("CPU")) == 2
accelerator.start(seed=1, cpu_devices=2)  # a second call changes nothing
try:
    accelerator.start(seed=1, cpu_devices=3)
except accelerator.SetupError as late:
    print(late)
"""
    done = run(code, COURSE_DEVICE="cpu")
    assert done.returncode == 0, done.stderr
    assert "cpu_devices=3 came too late" in done.stdout and done.stderr == ""


@pytest.mark.parametrize("number", [0, -1, 1.5, "2", True])
def test_the_number_of_cpu_devices_must_be_a_whole_number(number):
    with pytest.raises(ValueError, match="cpu_devices"):
        accelerator.start(cpu_devices=number)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("COURSE_PROFILE", "quick", "lecture or full"),
        ("COURSE_DEVICE", "tpu", "auto or cpu"),
        ("COURSE_THREADS", "0", "at least 1"),
        ("COURSE_THREADS", "many", "whole number"),
        ("COURSE_THREADS", "²", "whole number"),
    ],
)
def test_a_setting_that_means_nothing_is_refused_by_name(monkeypatch, variable, value, words):
    monkeypatch.setenv(variable, value)
    with pytest.raises(accelerator.SetupError) as refused:
        accelerator.start()
    assert variable in str(refused.value) and value in str(refused.value) and words in str(refused.value)


def test_an_empty_setting_counts_as_unset(monkeypatch):
    for variable in ("COURSE_THREADS", "COURSE_PROFILE", "COURSE_DEVICE"):
        monkeypatch.setenv(variable, " ")
    assert accelerator._threads(accelerator.profile()) == 1


@pytest.mark.parametrize("seed", [-1, 1.5, "1", True, None, np.True_])
def test_a_seed_must_be_a_whole_number(seed):
    with pytest.raises(ValueError, match="seed"):
        accelerator.start(seed)


@pytest.mark.parametrize("seed", [np.int64(3), np.uint8(3)])
def test_a_seed_may_be_a_whole_number_of_numpy(seed):
    assert accelerator._whole("seed", seed, 0) == 3


def test_the_readers_own_settings_of_keras_and_an_unwritable_home_do_not_reach_the_course(tmp_path):
    own = '{"floatx": "float64", "image_data_format": "channels_first", "epsilon": 1e-3, "backend": "jax"}'
    (tmp_path / "keras.json").write_text(own, encoding="utf-8")
    code = """
from course_lib import accelerator
accelerator.start(quiet=True)
import keras
assert keras.config.floatx() == "float32" and keras.config.epsilon() == 1e-7
assert keras.layers.Dense(1).dtype_policy.name == "float32"
assert keras.config.image_data_format() == "channels_last" and keras.layers.Conv2D(1, 3).data_format == "channels_last"
"""
    nowhere = str(tmp_path / "keras.json" / "home")  # under a file, where even root can make no folder
    done = run(code, KERAS_HOME=str(tmp_path), HOME=nowhere, USERPROFILE=nowhere)
    assert done.returncode == 0, done.stderr


def test_a_python_without_assertions_is_refused_in_a_sentence():
    done = run("from course_lib import accelerator; accelerator.start()", PYTHONOPTIMIZE="1")
    assert done.returncode != 0 and "PYTHONOPTIMIZE and restart the kernel" in done.stderr


def test_a_framework_that_cannot_be_imported_is_named_with_the_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(accelerator.SetupError, match=r"torch cannot be imported.*make setup"):
        accelerator._import("torch")


class Fake:
    """A PyTorch whose CUDA device is listed and then fails, as with a driver that is too old."""

    def __init__(self, available, error=None, warning=None):
        self.error, self.warning, self.available = error, warning, available
        self.cuda = SimpleNamespace(is_available=self._available, get_device_name=lambda i: "Test 9000")
        self.backends = SimpleNamespace(mps=SimpleNamespace(is_available=lambda: False))

    def _available(self):
        if self.warning:
            import warnings

            warnings.warn(self.warning, stacklevel=1)
        return self.available

    @staticmethod
    def device(name):
        return SimpleNamespace(type=name)

    def ones(self, *shape, device):
        if self.error:
            raise RuntimeError(self.error)
        return np.ones(shape)


def test_a_cuda_device_that_computes_is_used():
    device, name, lines = accelerator._torch_device(Fake(True), "auto")
    assert device.type == "cuda" and "Test 9000" in name and not lines


def test_a_cuda_device_without_kernels_ends_on_the_cpu_with_one_line():
    fake = Fake(True, error="CUDA error: no kernel image is available\nmore\nlines")
    device, _, lines = accelerator._torch_device(fake, "auto")
    assert device.type == "cpu" and len(lines) == 1 and "no kernel image is available" in lines[0]
    assert "\n" not in lines[0]


def test_an_old_driver_ends_on_the_cpu_with_one_line():
    fake = Fake(False, warning="The NVIDIA driver on your system is too old (found version 1).\nPlease update")
    device, _, lines = accelerator._torch_device(fake, "auto")
    assert device.type == "cpu" and len(lines) == 1 and "too old" in lines[0] and "\n" not in lines[0]


class FakeTF:
    """A TensorFlow that lists a GPU; using it fails if ``broken``."""

    def __init__(self, broken):
        self.broken, self.visible, self.growth = broken, None, []
        config = SimpleNamespace()
        config.threading = SimpleNamespace(
            set_intra_op_parallelism_threads=lambda n: None, set_inter_op_parallelism_threads=lambda n: None
        )
        config.list_physical_devices = lambda kind: ["gpu0"]
        config.set_visible_devices = lambda devices, kind: setattr(self, "visible", devices)
        config.experimental = SimpleNamespace(
            set_memory_growth=lambda gpu, on: self.growth.append((gpu, on)),
            get_device_details=lambda gpu: {"device_name": "Test 9000"},
        )
        self.config = config

    def device(self, name):
        from contextlib import nullcontext

        if self.broken:
            raise RuntimeError("CUDA driver version is insufficient for CUDA runtime version")
        return nullcontext()

    @staticmethod
    def ones(shape):
        return np.ones(shape)

    @staticmethod
    def reduce_sum(array):
        return array.sum()


def test_tensorflow_grows_its_memory_before_first_use():
    fake = FakeTF(broken=False)
    device, name, lines = accelerator._tensorflow_device(fake, "auto", 1)
    assert (device, lines) == ("/GPU:0", []) and "Test 9000" in name and fake.growth == [("gpu0", True)]


def test_a_gpu_that_tensorflow_cannot_use_is_hidden_with_one_line():
    fake = FakeTF(broken=True)
    device, _, lines = accelerator._tensorflow_device(fake, "auto", 1)
    assert device == "/CPU:0" and fake.visible == [] and len(lines) == 1 and "insufficient" in lines[0]
