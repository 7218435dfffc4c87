"""What a lesson's panels hold, and how they are stored. Used in the lesson's kernel; see ``tools.live``.

``lesson_<number>.py`` beside this file has a function ``panels(lesson)``. It is called in the lesson's kernel when the
lesson has run, with the lesson's names, and returns what the pages show: a list of ``Panel``. ``record`` writes each
panel to ``stored/``: its models, its data, and answers of both frameworks that a test compares with the browser's.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["STORED", "Model", "Panel", "lessons", "pixels", "record"]

STORED = Path(__file__).parent / "stored"
LARGEST = 1_000_000  # bytes of one model


@dataclass(frozen=True)
class Model:
    """A network that a page computes with.

    Attributes
    ----------
    module : torch.nn.Module
        One array in, one array out.
    probes : sequence of array
        Inputs, all of the shape (and kind: float32 or int64) that the page will use.
    keras : callable
        The same network in Keras: takes a probe, returns an array. Its answers are stored beside PyTorch's.
    """

    module: Any
    probes: list[np.ndarray]
    keras: Callable[[np.ndarray], Any]


@dataclass(frozen=True)
class Panel:
    """What stands on a page below an explorer.

    Attributes
    ----------
    name : str
        One word, for the names of the files.
    cell : str
        Id of the explorer's cell.
    view : str
        A name that ``live.js`` knows: it makes the controls and draws.
    title, question : str
    models : mapping from names that the view uses to ``Model``
    data : mapping
        Whatever else the view needs; as JSON.
    """

    name: str
    cell: str
    view: str
    title: str
    question: str
    models: Mapping[str, Model]
    data: Mapping[str, Any] = field(default_factory=dict)


def lessons() -> list[str]:
    """The numbers of the lessons that have panels."""
    return sorted(path.stem.removeprefix("lesson_") for path in Path(__file__).parent.glob("lesson_*.py"))


def pixels(images: np.ndarray) -> str:
    """Grey values in [0, 1] as bytes 0 … 255 in base64."""
    return base64.b64encode(np.round(255 * np.asarray(images)).astype(np.uint8).tobytes()).decode()


def _exported(module, example: np.ndarray) -> bytes:
    import torch

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        path = Path(folder) / "model.onnx"
        torch.onnx.export(module, (torch.from_numpy(example),), path, input_names=["x"], output_names=["y"],
                          dynamo=True, external_data=False, verbose=False)  # fmt: skip
        return _bare(path.read_bytes())


def _bare(model: bytes) -> bytes:
    """An ONNX model without the exporter's notes: they name the files of the machine that wrote it."""
    import onnx

    found = onnx.load_from_string(model)
    parts = [found, found.graph]
    for kind in ("node", "input", "output", "value_info", "initializer"):
        parts += getattr(found.graph, kind)
    for part in parts:
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return found.SerializeToString()


def _numbers(values) -> list[float]:
    return [float(f"{value:.7g}") for value in np.asarray(values, np.float64).ravel()]


def record(number: str, names: Mapping[str, Any], folder: Path, fingerprint: Mapping[str, str]) -> None:
    """Write the panels of lesson ``number`` into ``folder``.

    Parameters
    ----------
    number : str
    names : mapping
        The global names of the lesson that has run.
    folder : Path
    fingerprint : mapping
        Of the lesson's code and of its file here, to see later that the models are those of today.

    Raises
    ------
    ValueError
        If a model is larger than a page should load, or the frameworks differ by more than 1e-4 of the largest entry.
    """
    import torch

    for panel in import_module(f"tools.live.lesson_{number}").panels(names):
        stem, models = f"{number}-{panel.name}", {}
        for name, model in panel.models.items():
            module = model.module.cpu().eval()
            onnx = _exported(module, model.probes[0])
            if len(onnx) > LARGEST:
                raise ValueError(f"{stem}: the model {name} has {len(onnx):,} bytes; a page loads at most {LARGEST:,}")
            answers = []
            for x in model.probes:
                with torch.no_grad():
                    in_torch = module(torch.from_numpy(x)).numpy()
                in_keras = np.asarray(model.keras(x))
                apart = np.abs(in_torch - in_keras).max() / np.abs(in_torch).max()
                if not apart < 1e-4:
                    raise ValueError(f"{stem}: PyTorch and Keras differ in {name} by {apart:.1e} of the largest entry")
                values = x.ravel().tolist() if x.dtype == np.int64 else _numbers(x)
                answers.append({"x": values, "PyTorch": _numbers(in_torch), "Keras": _numbers(in_keras)})
            shape = list(model.probes[0].shape)
            kind = {"f": "float32", "i": "int64"}[model.probes[0].dtype.kind]
            models[name] = {"file": f"{stem}-{name}.onnx", "shape": shape, "type": kind, "answers": answers}
            (folder / f"{stem}-{name}.onnx").write_bytes(onnx)
        text = {"lesson": number, "cell": panel.cell, "view": panel.view, "title": panel.title, "question": panel.question,
                "fingerprint": dict(fingerprint), "models": models, "data": dict(panel.data)}  # fmt: skip
        (folder / f"{stem}.json").write_text(json.dumps(text, ensure_ascii=False) + "\n", encoding="utf-8")
