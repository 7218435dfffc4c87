"""Networks of the papers on all of MNIST: 60,000 digits to train on, 10,000 to test.

Every function trains one network in one framework and returns what was measured, ``{"value": …, …}``. Both frameworks
begin with the same weights and see the same rows in the same order. Rates and batches of the autoencoders were chosen
among a few on the last 5000 training digits, the LSTM's were set; the test digits are used once a training, at its end.
"""

from __future__ import annotations

import keras
import numpy as np
import torch
from keras import layers, ops
from torch import nn
from torch.nn import functional as F

from course_lib import data, parity, training


def digits(rows: int | None = None) -> tuple[np.ndarray, ...]:
    """Training images (n, 28, 28), their labels (n,), test images and labels; greys from 0 to 1. ``rows``: that many."""
    mnist = data.mnist()
    scaled = (np.asarray(images, "float32") / 255 for images in (mnist.train_images, mnist.test_images))
    train, test = (images.reshape(-1, 28, 28)[:rows] for images in scaled)
    return train, np.asarray(mnist.train_labels[:rows], "int64"), test, np.asarray(mnist.test_labels[:rows], "int64")


def fit(
    framework: str,
    pair: tuple,
    batches: data.Batches,
    epochs: int,
    peak: float,
    *,
    torch_loss,
    keras_loss=None,
    share=32,
):
    """Train one of ``pair`` (PyTorch, Keras) with Adam, its rate one cycle; Keras's weights go into the PyTorch network."""
    torch_net, keras_net, extra = pair
    cycle = training.one_cycle(peak, epochs * len(batches), warmup=0.2)
    parity.copy_weights(torch_net, keras_net, extra=extra)
    if framework == "Keras":
        keras_net.compile(
            keras.optimizers.Adam(cycle.keras(), epsilon=1e-8), loss=keras_loss, steps_per_execution=share
        )
        keras_net.fit(**training.keras_feed(batches, epochs))
        parity.copy_weights(keras_net, torch_net, extra=extra)
    else:
        adam = torch.optim.Adam([p for p in torch_net.parameters() if p.requires_grad], fused=True)
        training.fit(torch_net, batches, torch_loss, adam, scheduler=cycle.torch(adam), epochs=epochs)
    return torch_net.eval()


# --- a code of 30 numbers -----------------------------------------------------------------------------------------

SIZES = (784, 1000, 500, 250, 30)


def deep_pair(sizes: tuple[int, ...] = SIZES) -> tuple:
    """The autoencoder of these sizes and its mirror image in PyTorch and Keras, and how their normalisations pair."""
    ways = (sizes, sizes[::-1])
    torch_layers, keras_layers, extra = [], [keras.Input((sizes[0],))], {}
    for way in ways:
        for place, (before, after) in enumerate(zip(way, way[1:])):
            torch_layers.append(nn.Linear(before, after))
            keras_layers.append(layers.Dense(after))
            if place == len(way) - 2:
                continue  # the code and the picture
            norm = layers.LayerNormalization(epsilon=1e-5)
            norm.build((None, after))
            extra |= {f"{len(torch_layers)}.weight": norm.gamma, f"{len(torch_layers)}.bias": norm.beta}
            torch_layers += [nn.LayerNorm(after), nn.GELU()]
            keras_layers += [norm, layers.Activation(lambda x: ops.gelu(x, approximate=False))]
    return (
        nn.Sequential(*torch_layers, nn.Sigmoid()),
        keras.Sequential([*keras_layers, layers.Activation("sigmoid")]),
        extra,
    )


def code_of_30(framework: str, machine, epochs: int = 50, rows: int | None = None) -> dict:
    """Squared error per test image, summed over its 784 pixels, of a deep autoencoder with a code of 30 numbers."""
    x, _, x_test, _ = (part.reshape(len(part), -1) for part in digits(rows))
    torch.manual_seed(0)
    pair = deep_pair()
    pair[0].to(machine.device)
    net = fit(
        framework, pair, data.Batches(x, x, batch_size=128, seed=0), epochs, 2e-3,
        torch_loss=lambda x_hat, x: ((x_hat - x) ** 2).sum(1).mean(),
        keras_loss=lambda x, x_hat: ops.sum((x_hat - x) ** 2, 1),
    )  # fmt: skip
    value = float(((training.predict(net, x_test) - x_test) ** 2).sum(axis=1).mean())
    return {
        "value": value,
        "setting": f"{'–'.join(map(str, SIZES))} and back, LayerNorm, GELU, batches of 128, {epochs} epochs",
    }


# --- variational autoencoders -------------------------------------------------------------------------------------


class TorchVAE(nn.Module):
    """784–200–200–50 and back, tanh: grey pictures (B, 784) to the loss of each, on dots drawn anew (B,).

    The loss is −ELBO with the divergence in closed form for ``k=1``, and the importance-weighted bound with ``k``
    draws beyond (Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519, equation 8), in nats. The encoder reads dots
    minus their mean over the training digits, which is a choice of its first bias and is learnt faster.
    """

    def __init__(self, mean_logit: np.ndarray, k: int = 1, m: int = 50, h: int = 200):
        super().__init__()
        self.k = k
        self.register_buffer("mean", torch.sigmoid(torch.from_numpy(mean_logit)))
        self.encoder = nn.Sequential(nn.Linear(784, h), nn.Tanh(), nn.Linear(h, h), nn.Tanh(), nn.Linear(h, 2 * m))
        self.decoder = nn.Sequential(nn.Linear(m, h), nn.Tanh(), nn.Linear(h, h), nn.Tanh(), nn.Linear(h, 784))
        for layer in (*self.encoder, *self.decoder):
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.decoder[-1].bias.copy_(torch.from_numpy(mean_logit))

    def encode(self, dots):
        """Mean and log variance of q(z | x) for dots (B, 784): two of (B, m)."""
        return self.encoder(dots - self.mean).chunk(2, 1)

    def log_weights(self, dots, k):
        """log p(x, z) − log q(z | x) of k draws for each picture of dots (B, 784): (k, B)."""
        mu, log_var = self.encode(dots)
        eps = torch.randn(k, *mu.shape, device=mu.device)
        z = mu + torch.exp(0.5 * log_var) * eps
        logits = self.decoder(z)
        log_p = (dots * logits - F.softplus(logits)).sum(2)
        return log_p + 0.5 * (eps**2 - z**2 + log_var).sum(2)

    def forward(self, x):
        dots = torch.bernoulli(x)
        if self.k > 1:
            return np.log(self.k) - torch.logsumexp(self.log_weights(dots, self.k), 0)
        mu, log_var = self.encode(dots)
        logits = self.decoder(mu + torch.exp(0.5 * log_var) * torch.randn_like(mu))
        pixels = F.binary_cross_entropy_with_logits(logits, dots, reduction="none").sum(1)
        return pixels + 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1)


class KerasVAE(keras.Model):
    """The same in Keras."""

    def __init__(self, mean_logit: np.ndarray, k: int = 1, m: int = 50, h: int = 200):
        super().__init__()
        self.k = k
        dense, first = layers.Dense, keras.initializers.Constant(mean_logit)
        self.encoder = keras.Sequential([keras.Input((784,)), dense(h, "tanh"), dense(h, "tanh"), dense(2 * m)])
        self.decoder = keras.Sequential([
            keras.Input((m,)), dense(h, "tanh"), dense(h, "tanh"), dense(784, bias_initializer=first)
        ])  # fmt: skip
        self.mean = ops.sigmoid(mean_logit)
        self.draws = keras.random.SeedGenerator(0)

    def encode(self, dots):
        """Mean and log variance of q(z | x) for dots (B, 784): two of (B, m)."""
        return ops.split(self.encoder(dots - self.mean), 2, 1)

    def log_weights(self, dots, k):
        """log p(x, z) − log q(z | x) of k draws for each picture of dots (B, 784): (k, B)."""
        mu, log_var = self.encode(dots)
        eps = keras.random.normal((k, *ops.shape(mu)), seed=self.draws)
        z = mu + ops.exp(0.5 * log_var) * eps
        logits = ops.reshape(self.decoder(ops.reshape(z, (-1, z.shape[-1]))), (k, -1, 784))
        log_p = ops.sum(dots * logits - ops.softplus(logits), 2)
        return log_p + 0.5 * ops.sum(eps**2 - z**2 + log_var, 2)

    def call(self, x):
        dots = ops.cast(keras.random.uniform(ops.shape(x), seed=self.draws) < x, x.dtype)
        if self.k > 1:
            return np.log(self.k) - ops.logsumexp(self.log_weights(dots, self.k), 0)
        mu, log_var = self.encode(dots)
        logits = self.decoder(mu + ops.exp(0.5 * log_var) * keras.random.normal(ops.shape(mu), seed=self.draws))
        pixels = ops.sum(ops.binary_crossentropy(dots, logits, from_logits=True), 1)
        return pixels + 0.5 * ops.sum(mu**2 + ops.exp(log_var) - 1 - log_var, 1)

    def compute_loss(self, x, y, y_pred, *rest, **more):
        return ops.mean(y_pred)


def minus_log_p(net: TorchVAE, dots: np.ndarray, draws: int, at_once: int = 50, rows: int = 20) -> float:
    """The importance-weighted bound on the mean −log p of pictures of dots (n, 784), in nats: never too small on average.

    The sum over pixels of dots · logits is taken in the last hidden layer, where it costs 200 products in place of 784.
    """
    last, device = net.decoder[-1], next(net.parameters()).device
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(dots), rows):
            some = torch.from_numpy(dots[i : i + rows]).to(device)
            mu, log_var = net.encode(some)
            to_hidden, to_bias = some @ last.weight, some @ last.bias  # (B, h), (B,)
            found = []
            for _ in range(draws // at_once):
                eps = torch.randn(at_once, *mu.shape, device=device)
                z = mu + torch.exp(0.5 * log_var) * eps
                hidden = net.decoder[:-1](z)
                log_p = (hidden * to_hidden).sum(2) + to_bias - F.softplus(last(hidden)).sum(2)
                found.append(log_p + 0.5 * (eps**2 - z**2 + log_var).sum(2))
            total += float((np.log(draws) - torch.logsumexp(torch.cat(found), 0)).sum())
    return total / len(dots)


def variational(
    framework: str, machine, k: int = 1, epochs: int = 800, rows: int | None = None, draws: int = 1000
) -> dict:
    """−log p of the binarised test digits, in nats: the bound with ``draws`` draws, which is never too small on average."""
    x, _, x_test, _ = (part.reshape(len(part), -1) for part in digits(rows))
    mean = x.mean(axis=0).clip(1e-3, 1 - 1e-3)
    mean_logit = np.log(mean / (1 - mean))
    torch.manual_seed(0)
    pair = (TorchVAE(mean_logit, k).to(machine.device), KerasVAE(mean_logit, k), None)
    pair[1](x[:2])
    batches = data.Batches(x, x, batch_size=100, seed=0)
    net = fit(framework, pair, batches, epochs, 3e-3, torch_loss=lambda losses, _: losses.mean(), share=50)
    dots = (np.random.default_rng(0).random(x_test.shape) < x_test).astype("float32")
    torch.manual_seed(1)
    mu = net.encode(torch.from_numpy(dots).to(machine.device))[0]
    active = int((mu.var(0) > 0.01).sum())
    bound = 0.0
    with torch.no_grad():
        for i in range(0, len(dots), 500):
            bound -= float(net.log_weights(torch.from_numpy(dots[i : i + 500]).to(machine.device), 1).sum())
    return {
        "value": minus_log_p(net, dots, draws),
        "setting": f"784–200–200–50, tanh, k = {k}, dots drawn anew, batches of 100, {epochs} epochs",
        "−ELBO": bound / len(dots),
        "active units": active,
    }


# --- an LSTM reads rows -------------------------------------------------------------------------------------------


class TorchReader(nn.Module):
    """Scores (B, 10) of images (B, 28, 28), read row by row."""

    def __init__(self, h: int = 128):
        super().__init__()
        self.lstm = nn.LSTM(28, h, batch_first=True)
        self.readout = nn.Linear(h, 10)
        nn.init.xavier_uniform_(self.lstm.weight_ih_l0)
        nn.init.orthogonal_(self.lstm.weight_hh_l0)
        nn.init.zeros_(self.lstm.bias_ih_l0)
        nn.init.ones_(self.lstm.bias_ih_l0[h : 2 * h])
        nn.init.zeros_(self.lstm.bias_hh_l0)

    def forward(self, x):
        return self.readout(self.lstm(x)[1][0][-1])


def rows_of_digits(framework: str, machine, epochs: int = 10, rows: int | None = None) -> dict:
    """Share of the test digits that an LSTM of 128 units names, reading row by row."""
    x, y, x_test, y_test = digits(rows)
    torch.manual_seed(0)
    reader = TorchReader().to(machine.device)
    parity.one_bias(reader)
    pair = (reader, keras.Sequential([keras.Input((28, 28)), layers.LSTM(128), layers.Dense(10)]), None)
    net = fit(
        framework, pair, data.Batches(x, y, batch_size=200, seed=0), epochs, 5e-3,
        torch_loss=nn.CrossEntropyLoss(), keras_loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )  # fmt: skip
    value = float((training.predict(net, x_test).argmax(axis=1) == y_test).mean())
    return {"value": value, "setting": f"128 units, {epochs} epochs"}
