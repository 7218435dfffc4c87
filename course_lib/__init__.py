"""What the lessons share: data, accelerator, parity, training, plotting, explorer, exercises.

Importing the package loads none of its rooms, and so neither PyTorch nor TensorFlow; each room is loaded
when it is first named (``from course_lib import data``).
"""

from importlib import import_module

__all__ = ["accelerator", "data", "exercises", "explorer", "parity", "plotting", "training"]
__version__ = "0.1.0"


def __getattr__(name):
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
