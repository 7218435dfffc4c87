"""What training costs, in CPU seconds and in one run: ``course bench``, ``course bench rnn``, ``course bench threads``.

For models like those of the lessons:

- PyTorch: ``training.fit`` against its floor, the bare step on one batch that lies on the device;
- Keras: ``fit(**training.keras_feed(…))`` against its floor, the bare step on one such batch inside one graph;
- Keras against PyTorch.

Machines are noisy: the two sides of each ratio take turns, and the ratio is that of their medians. ``threads`` shows what
a second thread and a second kernel do, ``lstm`` the seconds until an LSTM reads 97 % of the test digits, lesson 03c's way
and one image at a time, ``import`` the time of ``import course_lib``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

ROUNDS = 5
STEPS = 150

# Name: the lesson it is like, samples, shape of one sample, batch size.
MODELS = {
    "rnn": ("01a", 2048, (20, 1), 32),
    "forecast": ("01b", 2048, (48, 2), 64),
    "autoencoder": ("04a", 4096, (784,), 128),
    "linear": ("05b", 4096, (784,), 256),
}


def torch_model(name: str):
    """The model of ``MODELS`` in PyTorch: (B, *shape) to (B, 1) for the recurrent ones, to (B, 784) for the others."""
    from torch import nn

    class Last(nn.Module):
        def __init__(self, layer, hidden):
            super().__init__()
            self.layer, self.readout = layer, nn.Linear(hidden, 1)

        def forward(self, x):
            return self.readout(self.layer(x)[0][:, -1])

    return {
        "rnn": lambda: Last(nn.RNN(1, 16, batch_first=True), 16),
        "forecast": lambda: Last(nn.LSTM(2, 32, batch_first=True), 32),
        "autoencoder": lambda: nn.Sequential(
            *(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 32), nn.ReLU()),
            *(nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 784), nn.Sigmoid()),
        ),
        "linear": lambda: nn.Sequential(nn.Linear(784, 32, bias=False), nn.Linear(32, 784, bias=False)),
    }[name]()


def keras_model(name: str):
    """The same model in Keras, not compiled."""
    import keras
    from keras import layers

    stacks = {
        "rnn": [layers.SimpleRNN(16), layers.Dense(1)],
        "forecast": [layers.LSTM(32), layers.Dense(1)],
        "autoencoder": [
            *(layers.Dense(128, "relu"), layers.Dense(32, "relu")),
            *(layers.Dense(128, "relu"), layers.Dense(784, "sigmoid")),
        ],
        "linear": [layers.Dense(32, use_bias=False), layers.Dense(784, use_bias=False)],
    }
    return keras.Sequential([keras.Input(MODELS[name][2]), *stacks[name]])


def samples(name: str):
    """Batches of drawn data for a model, without a smaller last one, and the epochs that make about ``STEPS`` steps."""
    import numpy as np

    from course_lib import data

    _, n, shape, size = MODELS[name]
    x = np.random.default_rng(0).random((n, *shape), dtype=np.float32)
    y = x.mean(axis=(1, 2))[:, None] if len(shape) == 2 else x
    batches = data.Batches(x, y, batch_size=size, seed=0)
    return batches, max(1, round(STEPS / len(batches)))


def milliseconds_per_step(run: Callable, steps: int) -> float:
    """CPU milliseconds of one step of ``run``, which takes ``steps`` of them."""
    begin = time.process_time()
    run()
    return 1000 * (time.process_time() - begin) / steps


def in_turns(ours: Callable, floor: Callable, rounds: int = ROUNDS) -> tuple[float, float]:
    """Medians of both, measured in turns after one round that does not count."""
    times = [(ours(), floor()) for _ in range(rounds + 1)][1:]
    one, other = zip(*times)
    return statistics.median(one), statistics.median(other)


def measure_torch(name: str, rounds: int = ROUNDS) -> tuple[float, float]:
    """CPU milliseconds per step of ``training.fit`` and of the bare loop."""
    import torch

    from course_lib import training

    batches, epochs = samples(name)
    model, loss = torch_model(name), torch.nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters())
    x, y = (training.to_tensor(array[: batches.batch_size].copy()) for array in batches.arrays)
    steps = epochs * len(batches)

    def bare():
        model.train()
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            loss(model(x), y).backward()
            optimizer.step()

    def ours():
        training.fit(model, batches, loss, optimizer, epochs=epochs)

    return in_turns(lambda: milliseconds_per_step(ours, steps), lambda: milliseconds_per_step(bare, steps), rounds)


def measure_keras(name: str, rounds: int = ROUNDS) -> tuple[float, float]:
    """CPU milliseconds per step of Keras's ``fit`` on our feed and of the bare loop inside one graph."""
    import tensorflow as tf

    from course_lib import training

    batches, epochs = samples(name)
    model = keras_model(name)
    model.compile("adam", "mse")
    x, y = (tf.constant(array[: batches.batch_size]) for array in batches.arrays)
    variables = model.trainable_variables
    model.optimizer.build(variables)
    steps = epochs * len(batches)

    @tf.function
    def bare(n):
        for _ in tf.range(n):
            with tf.GradientTape() as tape:
                loss = model.compute_loss(x=x, y=y, y_pred=model(x, training=True))
            model.optimizer.apply(tape.gradient(loss, variables), variables)

    def ours():
        model.fit(**training.keras_feed(batches, epochs))

    return in_turns(
        lambda: milliseconds_per_step(ours, steps),
        lambda: milliseconds_per_step(lambda: bare(tf.constant(steps)), steps),
        rounds,
    )


def print_model(name: str, rounds: int = ROUNDS) -> None:
    from course_lib import accelerator

    accelerator.start(seed=0, quiet=True)
    (ours, floor), (keras_ours, keras_floor) = measure_torch(name, rounds), measure_keras(name, rounds)
    print(
        f"{name:12} {MODELS[name][0]:7} {ours:8.2f} {floor:7.2f} {ours / floor:6.2f} {keras_ours:10.2f} "
        f"{keras_floor:7.2f} {keras_ours / keras_floor:6.2f} {keras_ours / ours:14.2f}",
        flush=True,
    )


def print_header() -> None:
    print("CPU milliseconds per training step" + " " * 2 + "PyTorch" + " " * 21 + "Keras")
    print(
        f"{'model':12} {'like':7} {'ours':>8} {'floor':>7} {'ratio':>6} {'ours':>10} {'floor':>7} {'ratio':>6} "
        f"{'Keras/PyTorch':>14}",
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


def print_threads() -> None:
    """One small network with one and two threads, alone and with a second kernel beside it."""
    print(
        f"{'threads':>7} {'kernels':>8} {'wall s':>8} {'CPU s':>8}   (300 steps of a 784-256-784 network, each kernel)"
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


def print_import() -> None:
    code = "import time; b = time.perf_counter(); import course_lib; print(time.perf_counter() - b)"
    times = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5)]
    print(f"import course_lib: {1000 * statistics.median(times):.0f} ms")


# --- seconds until an LSTM reads 97 % of the test digits -------------------------------------------------------------
# Both recipes train an LSTM(128) on the rows of the digits, on one thread; ours normalises its last state. Training and
# loading count; the clock stops while the test accuracy is looked at, after each epoch. The test set is looked at many
# times because the question is when an accuracy is reached; nothing is chosen by it.

TARGET = 0.97
LSTM_SHARE = 0.25  # of the usual recipe's CPU seconds, at most


def _reader(norm=None):
    from torch import nn

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.readout = nn.LSTM(28, 128, batch_first=True), nn.Linear(128, 10)
            self.norm = norm or nn.Identity()

        def forward(self, x):
            return self.readout(self.norm(self.lstm(x)[0][:, -1]))

    return Reader()


def _arrays(digits, n=30_000):
    """Lesson 03c's recipe with 128 units, over 30,000 images once, to a higher peak: arrays, batches of 128, clipping."""
    import numpy as np
    import torch

    from course_lib import data, training

    mean, std = float(digits.train_images[:n].mean()), float(digits.train_images[:n].std())
    model = _reader(torch.nn.BatchNorm1d(128, eps=1e-3))
    torch.nn.init.xavier_uniform_(model.lstm.weight_ih_l0)
    torch.nn.init.orthogonal_(model.lstm.weight_hh_l0)
    with torch.no_grad():
        model.lstm.bias_ih_l0.zero_()[128:256] = 1
        model.lstm.bias_hh_l0.zero_()
    batches = data.Batches(digits.train_images[:n], digits.train_labels[:n].astype(np.int64), batch_size=128, seed=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, eps=1e-7)
    schedule = training.one_cycle(1e-2, len(batches)).torch(optimizer)
    loss = torch.nn.CrossEntropyLoss()
    images, labels = map(training.to_tensor, batches.arrays)

    def epoch(number):
        for index in map(torch.from_numpy, batches.indices(epoch=number)):
            optimizer.zero_grad()
            loss(model((images[index].float() - mean) / std), labels[index]).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()

    return model, epoch, 1, (mean, std)


def _one_image_at_a_time(digits):
    """Adam at 1e-3, batches of 64, and torchvision's steps for every single image before a DataLoader collects them."""
    import numpy as np
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset

    class Digits(Dataset):
        def __len__(self):
            return len(digits.train_labels)

        def __getitem__(self, i):
            image = Image.fromarray(digits.train_images[i])
            pixels = torch.from_numpy(np.array(image, np.uint8, copy=True))
            pixels = pixels.view(image.size[1], image.size[0], 1).permute((2, 0, 1)).contiguous()
            pixels = pixels.to(torch.float32).div(255).clone()
            mean, std = torch.as_tensor((0.1307,)), torch.as_tensor((0.3081,))
            return pixels.sub_(mean.view(-1, 1, 1)).div_(std.view(-1, 1, 1)), int(digits.train_labels[i])

    model, loss = _reader(), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(Digits(), batch_size=64, shuffle=True)

    def epoch(number):
        for x, y in loader:
            optimizer.zero_grad()
            loss(model(x.reshape(-1, 28, 28)), y).backward()
            optimizer.step()

    return model, epoch, 10, (0.1307 * 255, 0.3081 * 255)


def print_lstm(seed: int = 0) -> None:
    """Train both ways until an epoch ends with 97 % of the test digits read right; print the CPU seconds of each.

    Raises
    ------
    RuntimeError
        If a recipe ends without reaching 97 %, or the lesson's takes more than a quarter of the other's time.
    """
    from course_lib import accelerator, data

    accelerator.start(seed, quiet=True)
    import torch

    digits, found = data.mnist(), {}
    images, labels = torch.from_numpy(digits.test_images.astype("float32")), torch.from_numpy(digits.test_labels)
    for name, recipe in (("arrays in memory", _arrays), ("one image at a time", _one_image_at_a_time)):
        torch.manual_seed(seed)
        begin = time.process_time()
        model, epoch, epochs, (mean, std) = recipe(digits)
        spent, accuracy = time.process_time() - begin, 0.0
        for number in range(epochs):
            begin = time.process_time()
            model.train()
            epoch(number)
            spent += time.process_time() - begin
            model.eval()
            with torch.no_grad():
                right = sum(
                    int((model((x - mean) / std).argmax(1) == y).sum())
                    for x, y in zip(images.split(1000), labels.split(1000))
                )
            accuracy = right / len(labels)
            if accuracy >= TARGET:
                break
        else:
            raise RuntimeError(f"“{name}” ends at {accuracy:.1%}, below {TARGET:.0%}: something is wrong with it")
        found[name] = spent
        print(f"LSTM to {TARGET:.0%} of the test digits, {name:19}: {spent:6.1f} CPU s ({accuracy:.2%})", flush=True)
    one, other = found.values()
    print(f"ratio: {one / other:.2f} (at most {LSTM_SHARE})")
    if one / other > LSTM_SHARE:
        raise RuntimeError(
            f"the lesson's recipe takes {one / other:.0%} of the other's time, not {LSTM_SHARE:.0%} or less"
        )


OTHERS = {"import": print_import, "threads": print_threads, "lstm": print_lstm}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="course bench",
        description=__doc__.partition("\n\n")[0],
        epilog=__doc__.partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [*MODELS, *OTHERS]
    parser.add_argument(
        "name", nargs="?", default="all", help=f"{', '.join(names)}, a lesson (01a), or nothing for all"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    by_lesson = {lesson: name for name, (lesson, *_) in MODELS.items()}
    name = by_lesson.get(options.name, options.name)
    if name in OTHERS:
        OTHERS[name]()
    elif name in MODELS:
        print_header()
        print_model(name, options.rounds)
    elif name == "all":
        print_import()
        print_header()
        for one in MODELS:  # a fresh interpreter each: it sets its own seed, and its memory goes when it ends
            code = f"from tools.bench import print_model; print_model({one!r}, {options.rounds})"
            subprocess.run([sys.executable, "-c", code], check=True)
        for one in ("threads", "lstm"):
            print()
            subprocess.run([sys.executable, "-c", f"from tools.bench import OTHERS; OTHERS[{one!r}]()"], check=True)
    else:
        raise SystemExit(f"There is nothing to measure called {name!r}. There are: {', '.join([*names, *by_lesson])}.")
    return 0
