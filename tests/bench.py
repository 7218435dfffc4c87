"""What training costs: ``make bench``, or ``make bench N=01a`` for one lesson, ``N=threads``, ``N=lstm``.

For the first pair that a lesson trains, in one run and in CPU seconds:

- PyTorch: ``training.fit`` against its floor, the bare step on one batch that lies on the device;
- Keras: ``fit(**training.keras_feed(…))`` against its floor, the bare step on one such batch inside one graph;
- Keras against PyTorch.

The lesson's own cells are run up to that training, so that what is measured is what the lesson does. Machines are
noisy: the two sides of each ratio take turns, and the ratio is that of their medians.
"""

import argparse
import contextlib
import copy
import io
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 5
STEPS = 150


class Measured(Exception):
    """Both frameworks have been measured; the rest of the lesson need not run."""


def milliseconds_per_step(run, steps):
    """CPU milliseconds of one step of ``run``, which takes ``steps`` of them."""
    begin = time.process_time()
    run()
    return 1000 * (time.process_time() - begin) / steps


def in_turns(ours, floor):
    """Medians of both, measured in turns after one round that does not count."""
    times = [(ours(), floor()) for _ in range(ROUNDS + 1)][1:]
    return tuple(statistics.median(side) for side in zip(*times))


def whole_batches(batches):
    """The same batches without a smaller last one, so that all steps cost the same; and passes for enough steps."""
    from course_lib.data import Batches

    n = len(batches.arrays[0]) // batches.batch_size * batches.batch_size
    whole = Batches(*(array[:n] for array in batches.arrays), batch_size=batches.batch_size, seed=0)
    return whole, max(1, round(STEPS / len(whole)))


def measure_torch(fit, model, batches, loss, optimizer, objective, clip_norm):
    """CPU milliseconds per step of ``training.fit`` and of the bare loop."""
    import torch

    from course_lib.training import to_tensor

    batches, epochs = whole_batches(batches)
    model, optimizer = copy.deepcopy((model, optimizer))
    device = next(model.parameters()).device
    resident = [to_tensor(array[: batches.batch_size].copy(), device) for array in batches.arrays]
    value = objective or (lambda model, x, y: loss(model(x), y))

    def bare(steps):
        model.train()
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            value(model, *resident).backward()
            if clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
            optimizer.step()

    def ours():
        return milliseconds_per_step(
            lambda: fit(model, batches, loss, optimizer, objective=objective, clip_norm=clip_norm, epochs=epochs),
            epochs * len(batches),
        )

    steps = epochs * len(batches)
    return in_turns(ours, lambda: milliseconds_per_step(lambda: bare(steps), steps))


def measure_keras(fit, model, batches):
    """CPU milliseconds per step of Keras's ``fit`` on our feed and of the bare loop inside one graph."""
    import tensorflow as tf

    from course_lib import training

    batches, epochs = whole_batches(batches)
    resident = [tf.constant(array) for array in batches.first()[0]]
    variables = model.trainable_variables
    model.optimizer.build(variables)

    @tf.function
    def bare(steps):
        for _ in tf.range(steps):
            with tf.GradientTape() as tape:
                x, y = resident[0], resident[-1]
                loss = model.compute_loss(x=x, y=y, y_pred=model(x, training=True))
            model.optimizer.apply(tape.gradient(loss, variables), variables)

    steps = epochs * len(batches)

    def ours():
        feed = training.keras_feed(batches, epochs)
        return milliseconds_per_step(lambda: fit(model, **feed), steps)

    return in_turns(ours, lambda: milliseconds_per_step(lambda: bare(tf.constant(steps)), steps))


def measure_lesson(path):
    """Run a lesson's cells until its first pair has been trained; return what both cost."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    from course_lib import accelerator

    accelerator.start(quiet=True)
    import keras

    from course_lib import training

    found = {}
    torch_fit, keras_fit, keras_feed = training.fit, keras.Model.fit, training.keras_feed
    last_batches = []

    def fit(model, batches, loss=None, optimizer=None, *, epochs, **options):
        if "PyTorch" not in found:
            chosen = {name: options.get(name) for name in ("objective", "clip_norm")}
            found["PyTorch"] = measure_torch(torch_fit, model, batches, loss, optimizer, **chosen)
            if len(found) == 2:
                raise Measured
        return torch_fit(model, batches, loss, optimizer, epochs=epochs, **options)

    def feed(batches, *arguments, **options):
        last_batches[:] = [batches]
        return keras_feed(batches, *arguments, **options)

    def model_fit(model, *arguments, **options):
        if "Keras" not in found and last_batches:
            training.keras_feed = keras_feed
            found["Keras"] = measure_keras(keras_fit, model, last_batches[0])
            training.keras_feed = feed
            if len(found) == 2:
                raise Measured
        return keras_fit(model, *arguments, **options)

    training.fit, training.keras_feed, keras.Model.fit = fit, feed, model_fit
    space = {"__name__": "__main__"}
    with contextlib.suppress(Measured), contextlib.redirect_stdout(io.StringIO()):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, path.name, "exec"), space)
    return found


def print_lesson(path):
    found = measure_lesson(path)
    if len(found) < 2:
        print(f"{path.stem:28} trains no pair through training.fit and training.keras_feed")
        return
    (ours, floor), (keras_ours, keras_floor) = found["PyTorch"], found["Keras"]
    print(
        f"{path.stem:28} {ours:8.2f} {floor:7.2f} {ours / floor:6.2f} {keras_ours:10.2f} {keras_floor:7.2f} "
        f"{keras_ours / keras_floor:6.2f} {keras_ours / ours:14.2f}",
        flush=True,
    )


THREADS = """
import time
from course_lib import accelerator
machine = accelerator.start(seed=0, quiet=True)
import torch
net = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 784))
optimizer = torch.optim.Adam(net.parameters())
x = torch.rand(128, 784)
def steps(n):
    for _ in range(n):
        optimizer.zero_grad(); (net(x) - x).square().mean().backward(); optimizer.step()
steps(20)
begin, cpu = time.perf_counter(), time.process_time()
steps(300)
print(time.perf_counter() - begin, time.process_time() - cpu)
"""


def print_threads():
    """One small network with one and two threads, alone and with a second kernel beside it."""
    print(
        f"\n{'threads':>7} {'kernels':>8} {'wall s':>8} {'CPU s':>8}   (300 steps of a 784-256-784 network, each kernel)"
    )
    for threads in (1, 2):
        for kernels in (1, 2):
            environment = {**os.environ, "COURSE_THREADS": str(threads)}
            running = [
                subprocess.Popen([sys.executable, "-c", THREADS], env=environment, stdout=subprocess.PIPE, text=True)
                for _ in range(kernels)
            ]
            times = [tuple(map(float, process.communicate()[0].split())) for process in running]
            wall, cpu = (max(side) for side in zip(*times))
            print(f"{threads:7} {kernels:8} {wall:8.2f} {cpu:8.2f}", flush=True)


def print_import():
    code = "import time; b = time.perf_counter(); import course_lib; print(time.perf_counter() - b)"
    times = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5)]
    print(f"import course_lib: {1000 * statistics.median(times):.0f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", default="all", help="a lesson's number, threads, lstm, or all")
    name = parser.parse_args().name
    if name == "lstm":
        from bench_lstm import lstm_on_images

        lstm_on_images()
        return
    if name == "threads":
        print_threads()
        return
    lessons = [path for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if path.stem.startswith(name)]
    if len(lessons) == 1:
        print_lesson(lessons[0])
        return
    if name != "all":
        sys.exit(f"No lesson {name!r}. Give a lesson's number, threads, lstm, or nothing.")
    print_import()
    print("\nCPU milliseconds per training step" + " " * 9 + "PyTorch" + " " * 21 + "Keras")
    print(
        f"{'lesson':28} {'ours':>8} {'floor':>7} {'ratio':>6} {'ours':>10} {'floor':>7} {'ratio':>6} {'Keras/PyTorch':>14}"
    )
    # A fresh interpreter for each lesson: it sets its own seed, and its memory goes when it ends.
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        subprocess.run([sys.executable, __file__, path.stem], check=False)
    print_threads()
    print()
    subprocess.run([sys.executable, __file__, "lstm"], check=False)


if __name__ == "__main__":
    main()
