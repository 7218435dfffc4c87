"""What the machine has, and one ``start()`` that every lesson calls before anything else.

It must run before a kernel's first import of ``torch``, ``tensorflow`` or ``keras``: the quiet logs, the Keras backend,
the thread counts and TensorFlow's memory growth can only be set before first use.

Environment variables, all optional: ``COURSE_PROFILE`` is ``lecture`` (default: a minute or so on two CPU cores, what
the tests check) or ``full`` (longer, larger); ``COURSE_DEVICE`` is ``auto`` (default: an accelerator where one works) or
``cpu``; ``COURSE_THREADS`` are each framework's CPU threads, by default 1 in the lecture profile and half of the cores in
the full one. With one thread two kernels on two cores keep their speed; with two they become several times slower."""

from __future__ import annotations

import os
import random
import sys
import tempfile
import warnings
from collections.abc import Callable
from contextlib import contextmanager, suppress
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
    """What ``start`` found and set."""

    device: Any  # torch.device, ``cuda``, ``mps`` or ``cpu``: where PyTorch's tensors and modules go
    keras_device: str  # where TensorFlow puts its operations by itself: ``"/GPU:0"`` or ``"/CPU:0"``
    profile: str  # ``"lecture"`` or ``"full"``
    threads: int  # CPU threads that each framework may use for one operation
    seed: int  # given to Python, NumPy, PyTorch and Keras
    lines: tuple[str, ...]  # the two of the report, then any that explains why an accelerator is not used

    def pick(self, *, lecture: T, full: T) -> T:
        """Return the value for the running profile: ``epochs = machine.pick(lecture=5, full=50)``."""
        return full if self.profile == "full" else lecture


def _choice(variable: str, default: str, allowed: tuple[str, ...]) -> str:
    value = os.environ.get(variable, default).strip().lower() or default
    if value not in allowed:
        cure = f"set it to {' or '.join(allowed)}, or unset it, and restart the kernel."
        raise SetupError(f"{variable} is {value!r}; {cure}")
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
        cure = "Run `make setup` in the course folder, choose the kernel of its .venv, and start again."
        raise SetupError(f"{name} cannot be imported ({type(error).__name__}: {error}). {cure}") from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _why_not(product: Callable[[], float]) -> str:
    """Why a listed device cannot compute, as with an old driver or a chip without kernels in this build; "" if it can."""
    try:
        return "" if product() == 512.0 else "its first product was wrong"
    except Exception as error:
        return _first_line(error)


def _torch_device(torch, wanted: str) -> tuple[Any, str, list[str]]:
    """Return (device, its name, lines that explain a fall back to the CPU)."""
    cpu = torch.device("cpu")
    if wanted == "cpu":
        return cpu, "CPU (COURSE_DEVICE=cpu)", []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        has_cuda = torch.cuda.is_available()
    if has_cuda or torch.backends.mps.is_available():
        name, words = ("cuda", "a CUDA device") if has_cuda else ("mps", "Apple MPS")
        if reason := _why_not(lambda: float((torch.ones(8, 8, device=name) @ torch.ones(8, 8, device=name)).sum())):
            return cpu, "CPU", [f"PyTorch sees {words} but cannot use it, so it runs on the CPU: {reason}"]
        return torch.device(name), f"CUDA, {torch.cuda.get_device_name(0)}" if has_cuda else words, []
    driver = [text for warning in caught if "driver" in (text := _first_line(warning.message)).lower()]
    return cpu, "CPU", [f"PyTorch cannot use the GPU's driver, so it runs on the CPU: {text}" for text in driver[:1]]


def _split_cpu(tf, parts: int) -> None:
    """Let TensorFlow see the CPU as ``parts`` devices; possible only before its first operation."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * parts)
    except RuntimeError as error:
        if len(tf.config.list_logical_devices("CPU")) != parts:  # else: start() called a second time
            cure = "restart the kernel and run the set-up cell first."
            raise SetupError(f"cpu_devices={parts} came too late for TensorFlow: {cure}") from error


def _tensorflow_device(tf, wanted: str, threads: int) -> tuple[str, str, list[str]]:
    """Return (device, its name, lines that explain a fall back to the CPU)."""
    with suppress(RuntimeError):  # start() called a second time, after TensorFlow ran: its threads are set
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    gpus = tf.config.list_physical_devices("GPU")
    if wanted == "cpu" and gpus:
        try:
            tf.config.set_visible_devices([], "GPU")
        except RuntimeError as error:
            raise SetupError("COURSE_DEVICE=cpu came too late for TensorFlow: restart the kernel.") from error
    if wanted == "cpu" or not gpus:
        return "/CPU:0", "CPU" + " (COURSE_DEVICE=cpu)" * (wanted == "cpu"), []
    with suppress(RuntimeError, ValueError):  # only the first use decides; TF_FORCE_GPU_ALLOW_GROWTH covers later ones
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)

    def product() -> float:
        with _native_stderr_held(), tf.device("/GPU:0"):
            return float(tf.reduce_sum(tf.ones((8, 8)) @ tf.ones((8, 8))))

    if not (reason := _why_not(product)):
        details = tf.config.experimental.get_device_details(gpus[0])
        return "/GPU:0", f"GPU, {details.get('device_name', 'unnamed')}", []
    lines = [f"TensorFlow sees a GPU but cannot use it, so it runs on the CPU: {reason}"]
    try:
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError:
        lines.append("TensorFlow has already claimed it: restart the kernel with COURSE_DEVICE=cpu set.")
    return "/CPU:0", "CPU", lines


def _whole(name: str, value: Any, least: int) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
    return int(value)


def start(seed: int = 0, *, quiet: bool = False, cpu_devices: int = 1) -> Machine:
    """Prepare both frameworks, seed Python, NumPy, PyTorch and Keras, print two lines, and return what was found.

    With ``cpu_devices=2`` TensorFlow sees the CPU as ``"CPU:0"`` and ``"CPU:1"``, so that ``tf.distribute`` can train
    two replicas; it cannot be changed after TensorFlow's first operation. ``quiet`` prints nothing.

    Raises ``SetupError`` if a framework cannot be imported, Keras runs on another backend, Python leaves out
    assertions, or an environment variable of the course means nothing. A broken GPU driver is no error: the report says
    so in one line and the lesson runs on the CPU. ``ValueError`` if an argument is not a whole number, or too small."""
    if not __debug__:
        found = "Python runs without `assert` (-O or PYTHONOPTIMIZE), so that false claims would pass"
        raise SetupError(f"{found}: unset PYTHONOPTIMIZE and restart the kernel.")
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
    torch, tf, keras = _import("torch"), _import("tensorflow"), _import("keras")
    if keras.backend.backend() != "tensorflow":
        cure = "Restart the kernel and run the set-up cell first: it selects the TensorFlow backend."
        raise SetupError(f"Keras runs on {keras.backend.backend()!r} in this kernel. {cure}")
    keras.config.set_floatx("float32")  # these three ~/.keras/keras.json may have set otherwise, for the reader's work
    keras.config.set_image_data_format("channels_last")
    keras.config.set_epsilon(1e-7)
    tf.get_logger().setLevel("ERROR")  # or it warns that each of a lesson's models traced a function anew
    if cpu_devices > 1:
        _split_cpu(tf, cpu_devices)
    torch.set_num_threads(threads)
    threadpoolctl.threadpool_limits(threads)  # NumPy's and SciPy's linear algebra
    torch.backends.cudnn.allow_tf32 = False  # it rounds matrix products to 10 bits; the parity cells need all 23
    device, torch_name, torch_lines = _torch_device(torch, wanted)
    keras_device, tf_name, tf_lines = _tensorflow_device(tf, wanted, threads)
    tf.config.experimental.enable_tensor_float_32_execution(False)
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    keras.utils.set_random_seed(seed % 2**32)
    how = f"{threads} thread{'s' * (threads > 1)}, profile {running_profile}, seed {seed}"
    first = f"PyTorch {torch.__version__.split('+')[0]} on {torch_name}; {how}"
    second = f"TensorFlow {tf.__version__} with Keras {keras.__version__} on {tf_name}"
    lines = (first, second, *torch_lines, *tf_lines)
    if not quiet:
        print("\n".join(lines))
    return Machine(device, keras_device, running_profile, threads, seed, lines)
