"""Exercises of lesson 06h: what learns, a study that always succeeds, a frozen head, a picture."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _measure_held_out(answer):
    """Accuracy on coin flips, mean of some draws, and on data with a signal."""
    if not callable(answer):
        raise ValueError("give the mended function itself, without calling it")
    flips, signal = [], []
    for seed in range(12):
        rng = np.random.default_rng([61, seed])
        x, y = rng.normal(size=(80, 500)), rng.permutation(np.arange(80) % 2)
        flips.append(answer(x, y))
        x[:, :10] += 1.5 * y[:, None]
        signal.append(answer(x, y))
    if not all(isinstance(found, float | np.floating) for found in flips):
        raise ValueError("the function must return one accuracy, a number from 0 to 1")
    return {
        "coin flips near a half": bool(abs(np.mean(flips) - 0.5) < 0.1),
        "signal found": bool(np.mean(signal) > 0.8),
    }


def _measure_head(answer):
    """Whether the encoder stood still, to the last running mean, and the head fits."""
    import torch

    if not callable(answer):
        raise ValueError("give the mended function itself, without calling it")
    torch.manual_seed(23)
    y = torch.arange(240) % 3
    x = torch.randn(240, 6) + 2.5 * torch.eye(3, 6)[y]
    encoder = torch.nn.Sequential(
        torch.nn.Linear(6, 8), torch.nn.BatchNorm1d(8), torch.nn.ReLU(), torch.nn.Linear(8, 4)
    )
    encoder.train()
    with torch.no_grad():
        for _ in range(50):
            encoder(torch.randn(240, 6))
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    net = answer(encoder, x, y)
    if net is None or net is Ellipsis:
        return ...
    if not isinstance(net, torch.nn.Sequential) or len(net) != 2:
        raise ValueError("return nn.Sequential(encoder, head): two parts, the encoder first")
    after = net[0].state_dict()
    weights = all(
        torch.equal(before[name], after[name]) for name in before if "running" not in name and "num_" not in name
    )
    means = all(torch.equal(before[name], after[name]) for name in before if "running" in name)
    net.eval()
    with torch.no_grad():
        found = float((net(x).argmax(dim=1) == y).float().mean())
        best = _best_head(net[0](x), y)
    return {"weights stood still": weights, "running means stood still": means, "head is trained": found > best - 0.03}


def _best_head(z, y):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=100.0, max_iter=2000).fit(z.numpy(), y.numpy()).score(z.numpy(), y.numpy())


EXERCISES = [
    Exercise(
        name="06h.learning",
        rtol=1e-9,
        wrong=[
            Changed(
                lambda solution: solution | {"frozen": 320},
                "Each layer has a second kind of numbers beside its matrix.",
            ),
            Changed(
                lambda solution: solution | {"fine-tuned": solution["fine-tuned"] - solution["frozen"]},
                "Fine-tuning trains the whole classifier: is the last layer not a part of it?",
            ),
            Changed(
                lambda solution: solution | {"frozen": 0},
                "If nothing learnt, who would tell the classes apart? Only the encoder is frozen.",
            ),
            Changed(
                lambda solution: solution | {"fine-tuned": solution["fine-tuned"] + 32 * 64 + 64 + 64 * 196 + 196},
                "The decoder is gone: a classifier does not draw its input again.",
            ),
            Changed(
                lambda solution: solution | {"head and one layer": solution["head and one layer"] - solution["frozen"]},
                "The layer below is right; the head learns as well.",
            ),
            Changed(
                lambda solution: solution | {"head and one layer": solution["fine-tuned"] - 64 * 32 - 32},
                "Which layer gives the 32 numbers that the head reads?",
            ),
        ],
        hint="A dense layer from a to b has a matrix and one bias for each output. Add up the layers that learn.",
    ),
    Exercise(
        name="06h.held_out",
        measure=_measure_held_out,
        wrong=[
            Edit(
                "np.argsort(-np.abs(difference))[:20]",
                "np.arange(len(difference))[-20:]",
                "Coin flips are at one half now, and so is a true signal: choose the numbers, but on which rows?",
            ),
            Edit(
                "difference = x_fit[y_fit == 1].mean(axis=0) - x_fit[y_fit == 0].mean(axis=0)",
                "difference = x[y == 1].mean(axis=0) - x[y == 0].mean(axis=0)",
                "Who chose the twenty numbers, and had it seen the labels of the second half?",
            ),
        ],
        hint="Follow the labels of the second half: which line reads them before the accuracy does?",
    ),
    Exercise(
        name="06h.head",
        measure=_measure_head,
        wrong=[
            Edit(
                "net.eval()\n    for",
                "net.train()\n    for",
                "The weights stand still. What else does the encoder hold, and when does it move?",
            ),
            Edit("lr=0.05", "lr=0.0005", "The encoder stands still, and the head is not trained yet."),
            Edit(
                "encoder.requires_grad_(False)\n    adam = torch.optim.Adam(net[1].parameters(), lr=0.05)",
                "adam = torch.optim.Adam(net.parameters(), lr=0.05)",
                "Everything learns here: which numbers may the optimiser move?",
            ),
        ],
        hint="Compare encoder.state_dict() before and after, entry by entry; then look at the loss over the steps.",
    ),
    Exercise(
        name="06h.supported",
        wrong=[
            Wrong(
                "ABE", "Each point has the same number of neighbours, whatever its density: look at the clouds again."
            ),
            Wrong("BCE", "Does the place of an island survive another start?"),
            Wrong("B", "What is it that two starts agree about?"),
            Wrong("E", "What does KL(P || Q) punish most?"),
            Wrong("BEF", "Noise has clumps at some perplexities, and one class may have two islands."),
            Wrong("BDE", "Which data does the classifier meet, and are they in the picture?"),
            Wrong("ABCE", "Two of these are sizes and distances."),
            Wrong("ABCDEF", "Begin with what t-SNE keeps, and cross out the rest."),
        ],
        hint="t-SNE keeps who is near whom. Which sentences are about that, and nothing else?",
    ),
]
