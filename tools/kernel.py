"""A fresh kernel for one lesson, in the environment in which lessons are stored, tested and measured."""

from __future__ import annotations

import atexit
import os
import platform
import shutil
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from nbclient import NotebookClient

from tools.lesson import ROOT

CELL_TIMEOUT = 900  # seconds

# What each library reads when it is loaded, to compute as an older processor does. TensorFlow's own kernels are
# compiled for one level and have no switch.
INSTRUCTION_SETS = {
    "native": {},
    "sse": {
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "MKL_CBWR": "COMPATIBLE",
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3",
    },
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "MKL_CBWR": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4",
    },
}
# The stored outputs belong to the default profile, to Jupyter's inline figures, to Python's default warnings and to
# claims that count, whatever the calling shell has set.
DROPPED = ("COURSE_PROFILE", "COURSE_THREADS", "MPLBACKEND", "MPLCONFIGDIR", "PYTHONWARNINGS", "PYTHONOPTIMIZE")


def has(flag: str) -> bool:
    """Whether this processor has an instruction set (a word of Linux's list of flags); False where none is listed."""
    try:
        return f" {flag} " in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").replace("\n", " ")
    except OSError:
        return False


def own_instruction_set() -> str:
    """What this processor computes with if nothing is switched off: "avx512", "avx2", "sse", or its architecture."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return platform.machine().lower() or "unknown"
    if not Path("/proc/cpuinfo").exists():
        return "x86_64"
    return "avx512" if has("avx512f") else "avx2" if has("avx2") else "sse"


def instruction_sets() -> list[str]:
    """The instruction sets that can be tried here, "native" first; each computes otherwise than those before it."""
    own = own_instruction_set()
    return ["native", *{"avx512": ["sse", "avx2"], "avx2": ["sse"]}.get(own, [])]


_empty: dict[str, str] = {}


def _empty_folder(name: str) -> str:
    if name not in _empty:
        _empty[name] = tempfile.mkdtemp(prefix=f"course-{name}-")
        atexit.register(shutil.rmtree, _empty[name], ignore_errors=True)
    return _empty[name]


def kernel_environment(isa: str = "native", profile: str = "lecture") -> dict[str, str]:
    """The environment of a lesson's kernel: the caller's, without the user's settings of Python, IPython and matplotlib.

    Parameters
    ----------
    isa : str
        One of ``INSTRUCTION_SETS``; with "native", what the calling shell has set of these variables stays.
    profile : str
        "lecture" or "full", as ``course_lib.accelerator`` knows them.

    Raises
    ------
    ValueError
        If ``isa`` is unknown; says which there are.
    """
    if isa not in INSTRUCTION_SETS:
        raise ValueError(f"no instruction set is called {isa!r}; there are {', '.join(INSTRUCTION_SETS)}")
    environment = {name: value for name, value in os.environ.items() if name not in DROPPED}
    if isa != "native":
        own = {name for variables in INSTRUCTION_SETS.values() for name in variables}
        environment = {name: value for name, value in environment.items() if name not in own}
    environment["IPYTHONDIR"] = _empty_folder("ipython")
    environment["MPLCONFIGDIR"] = _matplotlib_folder()
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment["PYTHONIOENCODING"] = "utf-8"
    if profile != "lecture":
        environment["COURSE_PROFILE"] = profile
    return {**environment, **INSTRUCTION_SETS[isa]}


def _matplotlib_folder() -> str:
    """A folder with no settings in it that keeps matplotlib's list of typefaces: making that takes seconds."""
    folder = ROOT / "build" / "matplotlib"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "matplotlibrc").write_text("", encoding="utf-8")
    except OSError:  # a read-only checkout
        return _empty_folder("matplotlib")
    return str(folder)


class _ThisPython(KernelSpecManager):
    """Every kernel is the interpreter that runs this, not one of the same name that is registered somewhere."""

    def get_kernel_spec(self, kernel_name):
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=ERROR"]
        return KernelSpec(argv=command, display_name="Python 3 (ipykernel)", language="python")


class Runner:
    """A fresh kernel that runs the cells of one notebook, one at a time, and puts their outputs into them.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Its code cells lose their outputs now and get new ones as they run.
    folder : path
        Working directory of the kernel.
    isa, profile : str
        See ``kernel_environment``.
    timeout : float
        Seconds that a cell may take.
    """

    def __init__(
        self,
        notebook,
        folder: str | Path,
        *,
        isa: str = "native",
        profile: str = "lecture",
        timeout: float = CELL_TIMEOUT,
    ):
        self.notebook, self.folder, self._environment = notebook, Path(folder), kernel_environment(isa, profile)
        self._manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=_ThisPython())
        self._client = NotebookClient(
            notebook,
            km=self._manager,
            timeout=timeout,
            allow_errors=True,
            coalesce_streams=True,
            record_timing=False,
            store_widget_state=False,
        )
        self._count, self._stack = 0, ExitStack()
        self.meter: Meter | None = None

    def __enter__(self) -> Runner:
        for cell in self.notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        kernel = self._client.setup_kernel(cleanup_kc=True, cwd=str(self.folder), env=self._environment)
        self._stack.enter_context(kernel)
        self.meter = Meter(self._manager.provisioner.pid)
        self.meter.start()
        return self

    def __exit__(self, *error) -> None:
        self.meter.stop()
        self._stack.close()

    def run(self, cell) -> str | None:
        """Run one code cell of the notebook.

        Returns
        -------
        str or None
            What it raised, in one line ("NameError: …"), or None.

        Raises
        ------
        nbclient.exceptions.DeadKernelError, nbclient.exceptions.CellTimeoutError
            If the kernel dies, or the cell takes longer than the timeout.
        """
        if not cell.source.strip():
            return None
        self._count += 1
        index = next(i for i, other in enumerate(self.notebook.cells) if other is cell)
        self._client.execute_cell(cell, index, execution_count=self._count)
        return raised(cell.outputs)

    def ask(self, source: str) -> list:
        """Run code that is no cell of the notebook; return its outputs."""
        import nbformat

        cell = nbformat.v4.new_code_cell(source)
        self.notebook.cells.append(cell)  # nbclient finds the cell it runs by its index
        try:
            self._client.execute_cell(cell, len(self.notebook.cells) - 1, store_history=False)
        finally:
            self.notebook.cells.pop()
        return cell.outputs


def raised(outputs) -> str | None:
    """What a cell's outputs say that it raised, in one line, or None."""
    for output in outputs:
        if output["output_type"] == "error":
            return f"{output['ename']}: {output['evalue']}".strip().rstrip(":")
    return None


class Meter(threading.Thread):
    """Watches one process and its children: processor seconds and peak resident memory."""

    def __init__(self, pid: int, every: float = 0.25):
        super().__init__(daemon=True)
        import psutil

        self._psutil, self._process, self._every = psutil, psutil.Process(pid), every
        self.cpu_s, self.peak_bytes, self._finished = 0.0, 0, threading.Event()

    def sample(self) -> None:
        cpu, memory = 0.0, 0
        for process in [self._process, *self._process.children(recursive=True)]:
            try:
                times = process.cpu_times()
                memory += process.memory_info().rss
            except self._psutil.NoSuchProcess:
                continue
            # children_* counts those that have ended; the living ones are in the loop themselves
            cpu += times.user + times.system
            cpu += getattr(times, "children_user", 0) + getattr(times, "children_system", 0)
        self.cpu_s, self.peak_bytes = max(self.cpu_s, cpu), max(self.peak_bytes, memory)

    def run(self) -> None:
        try:
            while not self._finished.wait(self._every):
                self.sample()
        except self._psutil.NoSuchProcess:
            return  # the kernel died; what was measured until then stands

    def stop(self) -> None:
        self._finished.set()
        self.join()


def write_atomically(path: str | Path, text: str | bytes) -> None:
    """Replace a file in one step, so that an interrupted run leaves the old one whole."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode("utf-8") if isinstance(text, str) else text
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
