"""The names of lesson 1d: a network that looks for pieces of two to five letters, and naive Bayes, which counts them.

What was chosen (pieces, width, dropout, smoothing, epochs) was chosen among a few on the validation names; then training
and validation names together teach, and the test names are used at the end. Both frameworks begin with the same weights
and see the same rows in the same order; what dropout hides each draws for itself.
"""

from __future__ import annotations

import keras
import numpy as np
import torch
from keras import layers, ops
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import balanced_accuracy_score
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from torch import nn

from course_lib import data, parity, training

ALPHABET = "\0^$ '-abcdefghijklmnopqrstuvwxyz"  # number 0 is the padding, as in lesson 1d
PIECES = (2, 3, 4, 5)
BEFORE, WIDTH = 4, 20
SEEDS = 3


def encode(strings) -> np.ndarray:
    """Numbers of '^' + name + '$' in rows of 20, cut or filled with 0, and four zeros on either side: (n, 28) int64."""
    x = np.zeros((len(strings), BEFORE + WIDTH + BEFORE), dtype="int64")
    for row, string in zip(x, strings):
        symbols = [ALPHABET.index(symbol) for symbol in f"^{string}$"][:WIDTH]
        row[BEFORE : BEFORE + len(symbols)] = symbols
    return x


class TorchPieces(nn.Module):
    """Scores (B, q) of names (B, T): how strongly each of h filters for k letters answers at its best place."""

    def __init__(self, q: int, h: int = 128, embedded: int = 32, dropout: float = 0.5):
        super().__init__()
        self.embed, self.dropout_in = nn.Embedding(len(ALPHABET), embedded), nn.Dropout(0.6 * dropout)
        self.filters = nn.ModuleList(nn.Conv2d(1, h, (k, embedded)) for k in PIECES)
        self.dropout, self.readout = nn.Dropout(dropout), nn.Linear(len(PIECES) * h, q)

    def forward(self, x):
        letters = self.dropout_in(self.embed(x)) * (x > 0)[..., None]
        best = [torch.relu(look(letters[:, None])).amax((2, 3)) for look in self.filters]
        return self.readout(self.dropout(torch.cat(best, 1)))


def keras_pieces(q: int, h: int = 128, embedded: int = 32, dropout: float = 0.5) -> keras.Model:
    """The same in Keras."""
    x = keras.Input((BEFORE + WIDTH + BEFORE,), dtype="int64")
    letters = layers.Dropout(0.6 * dropout)(layers.Embedding(len(ALPHABET), embedded)(x))
    letters = ops.expand_dims(letters * ops.expand_dims(ops.cast(x > 0, "float32"), -1), -1)
    best = [layers.GlobalMaxPooling2D()(layers.Conv2D(h, (k, embedded), activation="relu")(letters)) for k in PIECES]
    return keras.Model(x, layers.Dense(q)(layers.Dropout(dropout)(layers.concatenate(best))))


def counted(learn: tuple, test: tuple) -> float:
    """Balanced accuracy of naive Bayes on pieces of one to four letters, its pseudo-count 0.1 as on the validation names."""
    bayes = make_pipeline(
        CountVectorizer(analyzer="char", ngram_range=(1, 4)), MultinomialNB(alpha=0.1, fit_prior=False)
    )
    marked = [[f"^{name}$" for name in names] for names in (learn[0], test[0])]
    return float(balanced_accuracy_score(test[1], bayes.fit(marked[0], learn[1]).predict(marked[1])))


def languages(framework: str, machine, epochs: int = 20, rows: int | None = None, seeds: int = SEEDS) -> dict:
    """Balanced accuracy on the test names of lesson 1d, twelve languages; the mean of networks from ``seeds`` starts."""
    chosen = data.names().select(languages=12, cap=500, seed=0)
    parts = data.split(chosen.names, chosen.languages, validation=0.2, test=0.25, seed=0, groups=chosen.names)
    strings, y = (np.concatenate(pair)[:rows] for pair in zip(parts.train, parts.validation))
    s_test, y_test = parts.test.open()
    q, x = len(chosen.language_names), encode(strings)
    wanted = (0.9 * np.eye(q) + 0.1 / q).astype("float32")[y]  # smoothed (Szegedy and others 2016, arXiv:1512.00567)
    found = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        keras.utils.set_random_seed(seed)
        net, twin = TorchPieces(q).to(machine.device), keras_pieces(q)
        parity.copy_weights(net, twin)
        batches = data.Batches(x, wanted, batch_size=50, seed=seed)
        cycle = training.one_cycle(5e-3, epochs * len(batches), warmup=0.2)
        if framework == "Keras":
            loss = keras.losses.CategoricalCrossentropy(from_logits=True)
            twin.compile(keras.optimizers.AdamW(cycle.keras(), weight_decay=0.01, epsilon=1e-8), loss)
            twin.fit(**training.keras_feed(batches, epochs))
            parity.copy_weights(twin, net)
        else:
            adam = torch.optim.AdamW(net.parameters(), weight_decay=0.01)
            training.fit(net, batches, nn.CrossEntropyLoss(), adam, scheduler=cycle.torch(adam), epochs=epochs)
        scores = training.predict(net.eval(), encode(s_test))
        found.append(float(balanced_accuracy_score(y_test, scores.argmax(axis=1))))
    by_counting = counted((strings, y), (s_test, y_test))
    return {
        "value": float(np.mean(found)),
        "setting": f"{len(PIECES)} × 128 filters for 2 to 5 letters, {epochs} epochs on training and validation names, mean of "
        f"{seeds} starts; naive Bayes on the same names: {by_counting:.3f}",
        "balanced accuracy": found,
        "naive Bayes": by_counting,
    }
