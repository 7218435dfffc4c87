"""What training costs, in CPU seconds and in one run: ``course bench``, ``course bench rnn``, ``course bench threads``.

For models like those of the lessons:

- PyTorch: ``training.fit`` against its floor, the bare step on one batch that lies on the device;
- Keras: ``fit(**training.keras_feed(…))`` against its floor, the bare step on one such batch inside one graph;
- Keras against PyTorch;
- the source notes' way to feed the same model, a shuffling ``DataLoader`` and ``fit(x, y, batch_size=…)``, against ours.

Ours may be at most 1.10 of the floor, and 1.5 for a small dense network in Keras, where a step takes a millisecond; what
is more is marked, and the command ends with 1. Machines are noisy: the sides of each ratio take turns, and the ratio is
that of their medians. ``threads`` shows what
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
AT_ONCE = 32  # steps of Keras in one call, as lessons set it

# Name: the lesson it is like, samples, shape of one sample, batch size.
MODELS = {
    "rnn": ("01a", 2048, (20, 1), 32),
    "forecast": ("01b", 2048, (48, 2), 64),
    "gru": ("03b", 1024, (100, 2), 32),
    "rows": ("03c", 2048, (28, 28), 128),
    "autoencoder": ("04a", 4096, (784,), 128),
    "linear": ("05b", 4096, (784,), 256),
    "convolutional": ("06e", 1024, (1, 28, 28), 64),
    "deep": ("06f", 4096, (784,), 128),
    "variational": ("07b", 4096, (784,), 100),
}
RECURRENT = ("rnn", "forecast", "gru", "rows")
CODE = 20  # of the variational one


def limits(name: str) -> tuple[float, float]:
    """How many times its floor a step may cost at most, in PyTorch and in Keras."""
    return 1.10, 1.10 if name in (*RECURRENT, "convolutional") else 1.5


def torch_model(name: str):
    """The model of ``MODELS`` in PyTorch.

    (B, *shape) to (B, 1) for the recurrent ones; to the shape of the sample for the others, but for the variational one,
    whose rows are 784 scores, 20 means and 20 log variances. It decodes a drawn code in training and the mean otherwise.
    """
    import torch
    from torch import nn

    class Last(nn.Module):
        def __init__(self, layer, hidden):
            super().__init__()
            self.layer, self.readout = layer, nn.Linear(hidden, 1)

        def forward(self, x):
            return self.readout(self.layer(x)[0][:, -1])

    class Variational(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 2 * CODE))
            self.decoder = nn.Sequential(nn.Linear(CODE, 400), nn.ReLU(), nn.Linear(400, 784))

        def forward(self, x):
            code = self.encoder(x)
            mu, log_var = code.chunk(2, 1)
            z = mu + torch.exp(0.5 * log_var) * torch.randn_like(mu) if self.training else mu
            return torch.cat([self.decoder(z), code], 1)

    def deep():
        ways = ((784, 256, 64, 30), (30, 64, 256, 784))
        pairs = [(before, after) for way in ways for before, after in zip(way, way[1:])]
        made = [layer for before, after in pairs for layer in (nn.Linear(before, after), nn.GELU())]
        return nn.Sequential(*(layer for place, layer in enumerate(made[:-1]) if place != 5), nn.Sigmoid())

    return {
        "rnn": lambda: Last(nn.RNN(1, 16, batch_first=True), 16),
        "forecast": lambda: Last(nn.LSTM(2, 32, batch_first=True), 32),
        "gru": lambda: Last(nn.GRU(2, 32, batch_first=True), 32),
        "rows": lambda: Last(nn.LSTM(28, 128, batch_first=True), 128),
        "autoencoder": lambda: nn.Sequential(
            *(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 32), nn.ReLU()),
            *(nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 784), nn.Sigmoid()),
        ),
        "linear": lambda: nn.Sequential(nn.Linear(784, 32, bias=False), nn.Linear(32, 784, bias=False)),
        "convolutional": lambda: nn.Sequential(
            *(
                nn.Conv2d(1, 16, 4, stride=2, padding=1),
                nn.ReLU(),
                nn.Conv2d(16, 32, 4, stride=2, padding=1),
                nn.ReLU(),
            ),
            *(nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1), nn.ReLU()),
            *(nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1), nn.Sigmoid()),
        ),
        "deep": deep,
        "variational": Variational,
    }[name]()


def keras_model(name: str):
    """The same model in Keras, not compiled; the convolutional one takes and gives (B, 28, 28, 1)."""
    import keras
    from keras import layers, ops

    class Variational(keras.Model):
        def __init__(self):
            super().__init__()
            dense = layers.Dense
            self.encoder = keras.Sequential([keras.Input((784,)), dense(400, "relu"), dense(2 * CODE)])
            self.decoder = keras.Sequential([keras.Input((CODE,)), dense(400, "relu"), dense(784)])
            self.draws = keras.random.SeedGenerator(0)

        def call(self, x, training=False):
            code = self.encoder(x)
            z, log_var = ops.split(code, 2, 1)
            if training:
                z += ops.exp(0.5 * log_var) * keras.random.normal(ops.shape(z), seed=self.draws)
            return ops.concatenate([self.decoder(z), code], 1)

    if name == "variational":
        model = Variational()
        model(ops.zeros((1, 784)))
        return model
    dense, gelu = layers.Dense, lambda x: ops.gelu(x, approximate=False)
    convolved = {"strides": 2, "padding": "same"}
    stacks = {
        "rnn": [layers.SimpleRNN(16), dense(1)],
        "forecast": [layers.LSTM(32), dense(1)],
        "gru": [layers.GRU(32), dense(1)],
        "rows": [layers.LSTM(128), dense(1)],
        "autoencoder": [dense(128, "relu"), dense(32, "relu"), dense(128, "relu"), dense(784, "sigmoid")],
        "linear": [dense(32, use_bias=False), dense(784, use_bias=False)],
        "convolutional": [
            *(
                layers.Conv2D(16, 4, activation="relu", **convolved),
                layers.Conv2D(32, 4, activation="relu", **convolved),
            ),
            layers.Conv2DTranspose(16, 4, activation="relu", **convolved),
            layers.Conv2DTranspose(1, 4, activation="sigmoid", **convolved),
        ],
        "deep": [
            *(dense(256, gelu), dense(64, gelu), dense(30), dense(64, gelu), dense(256, gelu), dense(784, "sigmoid"))
        ],
    }
    shape = MODELS[name][2]
    return keras.Sequential([keras.Input((*shape[1:], 1) if name == "convolutional" else shape), *stacks[name]])


def losses(name: str) -> tuple[Callable, Callable | str]:
    """The loss of a model in PyTorch, of (answer, target), and in Keras, of (target, answer): −ELBO or squared error."""
    import torch
    from keras import ops
    from torch.nn import functional as F

    if name != "variational":
        return torch.nn.MSELoss(), "mse"

    def in_torch(answer, x):
        scores, mu, log_var = answer.split((784, CODE, CODE), 1)
        rate = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1)
        return (F.binary_cross_entropy_with_logits(scores, x, reduction="none").sum(1) + rate).mean()

    def in_keras(x, answer):
        scores, mu, log_var = ops.split(answer, [784, 784 + CODE], 1)
        rate = 0.5 * ops.sum(mu**2 + ops.exp(log_var) - 1 - log_var, 1)
        return ops.sum(ops.binary_crossentropy(x, scores, from_logits=True), 1) + rate

    return in_torch, in_keras


def samples(name: str, channels_last: bool = False):
    """Batches of drawn data for a model, without a smaller last one, and the epochs that make about ``STEPS`` steps."""
    import numpy as np

    from course_lib import data

    _, n, shape, size = MODELS[name]
    n -= n % size
    x = np.random.default_rng(0).random((n, *shape), dtype=np.float32)
    if channels_last and len(shape) == 3:
        x = x.transpose(0, 2, 3, 1).copy()
    y = x.mean(axis=(1, 2))[:, None] if len(shape) == 2 else x
    batches = data.Batches(x, y, batch_size=size, seed=0)
    return batches, max(1, round(STEPS / len(batches)))


def milliseconds_per_step(run: Callable, steps: int) -> float:
    """CPU milliseconds of one step of ``run``, which takes ``steps`` of them."""
    begin = time.process_time()
    run()
    return 1000 * (time.process_time() - begin) / steps


def in_turns(*sides: Callable, rounds: int = ROUNDS) -> tuple[float, ...]:
    """Medians of the sides, measured in turns after one round that does not count."""
    times = [[side() for side in sides] for _ in range(rounds + 1)][1:]
    return tuple(statistics.median(each) for each in zip(*times))


def measure_torch(name: str, rounds: int = ROUNDS) -> tuple[float, ...]:
    """CPU milliseconds per step of ``training.fit``, of the bare loop, and of a loop over a shuffling ``DataLoader``."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    from course_lib import training

    batches, epochs = samples(name)
    model, (loss, _) = torch_model(name), losses(name)
    optimizer = torch.optim.Adam(model.parameters())
    tensors = [training.to_tensor(array) for array in batches.arrays]
    x, y = (tensor[: batches.batch_size].clone() for tensor in tensors)
    loader = DataLoader(TensorDataset(*tensors), batch_size=batches.batch_size, shuffle=True)
    steps = epochs * len(batches)

    def step(x, y):
        optimizer.zero_grad(set_to_none=True)
        loss(model(x), y).backward()
        optimizer.step()

    def bare():
        model.train()
        for _ in range(steps):
            step(x, y)

    def ours():
        training.fit(model, batches, loss, optimizer, epochs=epochs)

    def notes():
        model.train()
        for _ in range(epochs):
            for batch in loader:
                step(*batch)

    return in_turns(*(lambda run=run: milliseconds_per_step(run, steps) for run in (ours, bare, notes)), rounds=rounds)


def measure_keras(name: str, rounds: int = ROUNDS) -> tuple[float, ...]:
    """CPU milliseconds per step of ``fit`` on our feed, of the bare loop inside one graph, and of ``fit`` on the arrays."""
    import tensorflow as tf

    from course_lib import training

    batches, epochs = samples(name, channels_last=True)
    model, theirs, loss = keras_model(name), keras_model(name), losses(name)[1]
    model.compile("adam", loss, steps_per_execution=AT_ONCE)
    theirs.compile("adam", loss)
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

    def notes():
        theirs.fit(*batches.arrays, batch_size=batches.batch_size, epochs=epochs, verbose=0)

    sides = (ours, lambda: bare(tf.constant(steps)), notes)
    return in_turns(*(lambda run=run: milliseconds_per_step(run, steps) for run in sides), rounds=rounds)


def print_model(name: str, rounds: int = ROUNDS) -> bool:
    """Measure a model in both frameworks and print its line; whether both steps are within their limits."""
    from course_lib import accelerator

    accelerator.start(seed=0, quiet=True)
    line, within, steps = f"{name:14} {MODELS[name][0]:5}", True, []
    for measured, limit in zip((measure_torch, measure_keras), limits(name)):
        ours, floor, notes = measured(name, rounds)
        steps.append(ours)
        over = ours > limit * floor
        within &= not over
        line += f" {ours:8.2f} {floor:7.2f} {ours / floor:6.2f}{'!' if over else ' '} {notes / ours:7.2f}"
    print(f"{line} {steps[1] / steps[0]:8.2f}", flush=True)
    return within


def print_header() -> None:
    print(f"CPU milliseconds per training step{'PyTorch':>18}{'Keras':>34}")
    side = f" {'ours':>8} {'floor':>7} {'ratio':>6}  {'notes':>7}"
    print(f"{'model':14} {'like':5}{side}{side} {'K / P':>8}")
    print(
        "ratio: ours over the floor, ! above the limit; notes: their way over ours; K / P: ours in Keras over PyTorch",
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
        return int(not print_model(name, options.rounds))
    elif name == "all":
        print_import()
        print_header()
        over = 0
        for one in MODELS:  # a fresh interpreter each: it sets its own seed, and its memory goes when it ends
            code = (
                f"import sys; from tools.bench import print_model; sys.exit(not print_model({one!r}, {options.rounds}))"
            )
            over |= subprocess.run([sys.executable, "-c", code]).returncode
        for one in ("threads", "lstm"):
            print()
            code = f"from tools.bench import OTHERS; OTHERS[{one!r}]()"
            over |= subprocess.run([sys.executable, "-c", code]).returncode
        return int(over != 0)
    else:
        raise SystemExit(f"There is nothing to measure called {name!r}. There are: {', '.join([*names, *by_lesson])}.")
    return 0
