"""What the machine has, and one ``start()`` that every lesson calls before anything else.

``start`` must run before the first ``import torch``, ``import tensorflow`` or ``import keras`` of a kernel: the quiet
logs, the Keras backend, the thread counts and TensorFlow's memory growth can only be set before first use.

Environment variables (all optional)
------------------------------------
COURSE_PROFILE
    ``lecture`` (default: a minute or so on two CPU cores, what the tests check) or ``full`` (longer, larger).
COURSE_DEVICE
    ``auto`` (default: an accelerator where one works) or ``cpu``.
COURSE_THREADS
    CPU threads for each framework. Default: 1 in the lecture profile, half of the cores in the full one. With one
    thread two kernels on two cores keep their speed; with two each they become several times slower.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral
from typing import Any, TypeVar

import numpy as np
import threadpoolctl

__all__ = ["Machine", "SetupError", "profile", "start"]

T = TypeVar("T")


class SetupError(RuntimeError):
    """The installation or the environment does not allow the course to run; the message says what to do."""


@dataclass(frozen=True)
class Machine:
    """What ``start`` found and set.

    Attributes
    ----------
    device : torch.device
        Where PyTorch tensors and modules go: ``cuda``, ``mps`` or ``cpu``.
    keras_device : str
        Where TensorFlow puts its operations by itself: ``"/GPU:0"`` or ``"/CPU:0"``.
    profile, seed
        ``"lecture"`` or ``"full"``, and the seed given to Python, NumPy, PyTorch and Keras.
    threads : int
        CPU threads that each framework may use for one operation.
    lines : tuple of str
        The two lines of the report, then any line that explains why an accelerator is not used.
    """

    device: Any
    keras_device: str
    profile: str
    threads: int
    seed: int
    lines: tuple[str, ...]

    def pick(self, *, lecture: T, full: T) -> T:
        """Return the value for the running profile: ``epochs = machine.pick(lecture=5, full=50)``."""
        return full if self.profile == "full" else lecture


def _choice(variable: str, default: str, allowed: tuple[str, ...]) -> str:
    value = os.environ.get(variable, default).strip().lower() or default
    if value not in allowed:
        raise SetupError(
            f"{variable} is {value!r}; set it to {' or '.join(allowed)}, or unset it, and restart the kernel."
        )
    return value


def profile() -> str:
    """Return the running profile, ``"lecture"`` or ``"full"``, from ``COURSE_PROFILE``; refuse any other."""
    return _choice("COURSE_PROFILE", "lecture", ("lecture", "full"))


def _threads(running_profile: str) -> int:
    default = 1 if running_profile == "lecture" else max(1, (os.cpu_count() or 2) // 2)
    text = os.environ.get("COURSE_THREADS", "").strip() or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise SetupError(f"COURSE_THREADS is {text!r}; set it to a whole number of at least 1, or unset it.")
    return int(text)


@contextmanager
def _native_stderr_held():
    """Hold back what C++ code writes to file descriptor 2 before any log level applies, unless the block fails."""
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # no file descriptor 2, as in some embedded interpreters
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            held.seek(0)
            sys.stderr.write(held.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def _import(name: str):
    try:
        with _native_stderr_held(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return __import__(name)
    except Exception as error:
        raise SetupError(
            f"{name} cannot be imported ({type(error).__name__}: {error}). "
            "Run `make setup` in the course folder, choose the kernel of its .venv, and start again."
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _torch_device(torch, wanted: str) -> tuple[Any, str, list[str]]:
    """Return (device, its name, lines that explain a fall back to the CPU)."""
    cpu = torch.device("cpu")
    if wanted == "cpu":
        return cpu, "CPU (COURSE_DEVICE=cpu)", []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        has_cuda = torch.cuda.is_available()
    for found, name, words in (
        (has_cuda, "cuda", "a CUDA device"),
        (torch.backends.mps.is_available(), "mps", "Apple MPS"),
    ):
        if not found:
            continue
        try:
            # A device can be listed and still not compute: an old driver, or a chip without kernels in this build.
            if float((torch.ones(8, 8, device=name) @ torch.ones(8, 8, device=name)).sum()) == 512.0:
                called = f"CUDA, {torch.cuda.get_device_name(0)}" if name == "cuda" else words
                return torch.device(name), called, []
            reason = "its first product was wrong"
        except Exception as error:
            reason = _first_line(error)
        return cpu, "CPU", [f"PyTorch sees {words} but cannot use it, so it runs on the CPU: {reason}"]
    driver = [text for warning in caught if "driver" in (text := _first_line(warning.message)).lower()]
    return cpu, "CPU", [f"PyTorch cannot use the GPU's driver, so it runs on the CPU: {text}" for text in driver[:1]]


def _split_cpu(tf, parts: int) -> None:
    """Let TensorFlow see the CPU as ``parts`` devices; possible only before its first operation."""
    try:
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * parts
        )
    except RuntimeError as error:
        if len(tf.config.list_logical_devices("CPU")) != parts:  # else: start() called a second time
            raise SetupError(
                f"cpu_devices={parts} came too late for TensorFlow: restart the kernel and run the set-up cell first."
            ) from error


def _tensorflow_device(tf, wanted: str, threads: int) -> tuple[str, str, list[str]]:
    """Return (device, its name, lines that explain a fall back to the CPU)."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        pass  # TensorFlow has already run in this kernel (start() called a second time): its threads are set
    gpus = tf.config.list_physical_devices("GPU")
    if wanted == "cpu" and gpus:
        try:
            tf.config.set_visible_devices([], "GPU")
        except RuntimeError as error:
            raise SetupError("COURSE_DEVICE=cpu came too late for TensorFlow: restart the kernel.") from error
    if wanted == "cpu":
        return "/CPU:0", "CPU (COURSE_DEVICE=cpu)", []
    if not gpus:
        return "/CPU:0", "CPU", []
    lines = []
    try:
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
    except (RuntimeError, ValueError):
        pass  # only the first use decides; TF_FORCE_GPU_ALLOW_GROWTH covers a second call to start()
    try:
        with _native_stderr_held(), tf.device("/GPU:0"):
            if float(tf.reduce_sum(tf.ones((8, 8)) @ tf.ones((8, 8)))) == 512.0:
                details = tf.config.experimental.get_device_details(gpus[0])
                return "/GPU:0", f"GPU, {details.get('device_name', 'unnamed')}", lines
            reason = "its first product was wrong"
    except Exception as error:
        reason = _first_line(error)
    lines.append(f"TensorFlow sees a GPU but cannot use it, so it runs on the CPU: {reason}")
    try:
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError:
        lines.append("TensorFlow has already claimed it: restart the kernel with COURSE_DEVICE=cpu set.")
    return "/CPU:0", "CPU", lines


_HELD = []  # temporary folders, removed when the kernel ends


def _prepare_numba(threads: int) -> None:
    """Numba (under UMAP) takes a thread for each core, and fails where its cache cannot be written."""
    os.environ.setdefault("NUMBA_NUM_THREADS", str(threads))
    if "NUMBA_CACHE_DIR" not in os.environ and not os.access(os.path.expanduser("~"), os.W_OK):
        _HELD.append(tempfile.TemporaryDirectory(prefix="numba-"))
        os.environ["NUMBA_CACHE_DIR"] = _HELD[-1].name


def _whole(name: str, value: Any, least: int) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
    return int(value)


def start(seed: int = 0, *, quiet: bool = False, cpu_devices: int = 1) -> Machine:
    """Prepare both frameworks, seed everything, print two lines, and return what was found.

    Parameters
    ----------
    seed : int
        Seed for Python's ``random``, NumPy's global generator, PyTorch and Keras. At least 0.
    quiet : bool
        Do not print the report.
    cpu_devices : int
        As how many devices TensorFlow sees the CPU. With 2, ``tf.distribute`` can train two replicas on one machine,
        on ``"CPU:0"`` and ``"CPU:1"``. It cannot be changed after TensorFlow's first operation, hence here.

    Returns
    -------
    Machine
        Devices, profile, thread count and the lines of the report.

    Raises
    ------
    SetupError
        If a framework cannot be imported, Keras runs on another backend, Python leaves out assertions, or an
        environment variable of the course has a value that means nothing. A broken or too old GPU driver is no error:
        the report says so in one line and the lesson runs on the CPU.
    """
    if not __debug__:
        cure = "unset PYTHONOPTIMIZE and restart the kernel"
        raise SetupError(
            f"Python runs without `assert` (-O or PYTHONOPTIMIZE), so that false claims would pass: {cure}."
        )
    seed, cpu_devices = _whole("seed", seed, 0), _whole("cpu_devices", cpu_devices, 1)
    running_profile = profile()
    wanted = _choice("COURSE_DEVICE", "auto", ("auto", "cpu"))
    threads = _threads(running_profile)

    # Before the first import of TensorFlow or Keras: afterwards none of these is read.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "tensorflow"
    _prepare_numba(threads)

    torch, tf, keras = _import("torch"), _import("tensorflow"), _import("keras")
    if keras.backend.backend() != "tensorflow":
        raise SetupError(
            f"Keras runs on {keras.backend.backend()!r} in this kernel. Restart the kernel and run the "
            "set-up cell first: it selects the TensorFlow backend."
        )

    # What ~/.keras/keras.json may have set otherwise for the reader's own work.
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_epsilon(1e-7)
    # A lesson trains several models, and TensorFlow would warn that each one traced a function anew.
    tf.get_logger().setLevel("ERROR")
    if cpu_devices > 1:
        _split_cpu(tf, cpu_devices)
    torch.set_num_threads(threads)
    threadpoolctl.threadpool_limits(threads)  # NumPy's and SciPy's linear algebra
    # TF32 would round matrix products to 10 bits on recent NVIDIA cards; the parity cells need all 23.
    torch.backends.cudnn.allow_tf32 = False
    device, torch_name, torch_lines = _torch_device(torch, wanted)
    keras_device, tf_name, tf_lines = _tensorflow_device(tf, wanted, threads)
    tf.config.experimental.enable_tensor_float_32_execution(False)

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    keras.utils.set_random_seed(seed % 2**32)

    how = f"{threads} thread{'s' * (threads > 1)}, profile {running_profile}, seed {seed}"
    lines = (
        f"PyTorch {torch.__version__.split('+')[0]} on {torch_name}; {how}",
        f"TensorFlow {tf.__version__} with Keras {keras.__version__} on {tf_name}",
        *torch_lines,
        *tf_lines,
    )
    machine = Machine(device, keras_device, running_profile, threads, seed, lines)
    if not quiet:
        print("\n".join(lines))
    return machine
