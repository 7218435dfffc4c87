"""What the lessons share: data, accelerator, claims, parity, training, plotting, explorer. Importing the package loads
none of its rooms, and so neither PyTorch nor TensorFlow; each room is loaded when it is first named
(``from course_lib import data``)."""

from importlib import import_module

__all__ = ["accelerator", "claims", "data", "explorer", "parity", "plotting", "training"]


def __getattr__(name):
    if name == "__version__":  # read when it is asked for: pyproject.toml alone names it
        return import_module("importlib.metadata").version("course-lib")
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
