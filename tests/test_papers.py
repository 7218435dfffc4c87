"""The papers' figures: what is measured is what is said, both frameworks do the same, and nothing is done twice."""

import json

import numpy as np
import pytest

from tools import papers


@pytest.fixture(scope="module")
def machine():
    from course_lib import accelerator

    return accelerator.start(seed=0, quiet=True)


@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
def test_the_adding_problem_is_trained_alike_in_both_frameworks(kind, machine):
    from tools.papers import sequences

    errors = [
        sequences.adding_problem(framework, machine, kind, lag=12, updates=20, seeds=1, h=4)["test MSE"][0]
        for framework in papers.FRAMEWORKS
    ]
    assert errors[0] == pytest.approx(errors[1], rel=1e-3)


@pytest.mark.parametrize("framework", papers.FRAMEWORKS)
def test_a_network_learns_the_languages_of_names_far_above_chance_and_counting_stands_beside_it(framework, machine):
    from tools.papers.names import languages

    found = languages(framework, machine, epochs=12, rows=900, seeds=1)
    assert found["balanced accuracy"][0] > 0.3 and found["naive Bayes"] > 0.5  # chance: 1 / 12
    assert f"naive Bayes on the same names: {found['naive Bayes']:.3f}" in found["setting"]


def test_the_twins_that_name_languages_compute_the_same(machine):
    import torch

    from course_lib import parity
    from tools.papers.names import TorchPieces, encode, keras_pieces

    torch.manual_seed(0)
    net, twin = TorchPieces(12).eval(), keras_pieces(12)
    parity.copy_weights(net, twin)
    parity.compare(outputs=parity.outputs(net, twin, encode(["li", "o'neill", "papadopoulos"])))


def test_a_sequence_of_the_adding_problem_has_one_mark_in_each_half_and_their_sum():
    from tools.papers.sequences import adding

    x, y = adding(50, 12, np.random.default_rng(0))
    assert x.shape == (50, 12, 2) and y.shape == (50, 1)
    assert (x[:, :6, 1].sum(axis=1) == 1).all() and (x[:, 6:, 1].sum(axis=1) == 1).all()
    assert (x[..., 0] * x[..., 1]).sum(axis=1) == pytest.approx(y[:, 0])


def test_the_n_gram_is_a_distribution_and_sees_no_later_letter():
    from tools.papers.sequences import V, encode, n_gram

    learn = encode(np.array(["anna", "hanna", "otto"]))
    x, _ = encode(np.array(["anno"]))
    every = np.arange(2, V)[:, None] * np.ones((1, x.shape[1]), dtype=int)
    total = n_gram(4, 2.0, np.repeat(x, V - 2, axis=0), every, learn).sum(axis=0)
    assert total == pytest.approx(np.ones(x.shape[1]))
    y = np.array([[3, 4, 5, 6] + [0] * 8])
    later = x.copy()
    later[0, 3:] = 7
    assert n_gram(4, 2.0, x, y, learn)[0, :3] == pytest.approx(n_gram(4, 2.0, later, y, learn)[0, :3])


def test_minus_log_p_is_exact_where_the_code_says_nothing(machine):
    """A decoder that does not look at z, an encoder that gives the prior: every weight is p(x), whatever is drawn."""
    import torch
    from torch.nn import functional as F

    from tools.papers.digits import TorchVAE, minus_log_p

    mean_logit = np.random.default_rng(0).normal(size=784).astype("float32")
    net = TorchVAE(mean_logit)
    with torch.no_grad():
        net.encoder[-1].weight.zero_()
        net.decoder[-1].weight.zero_()
    dots = (np.random.default_rng(1).random((7, 784)) < 0.3).astype("float32")
    exact = F.binary_cross_entropy_with_logits(
        torch.from_numpy(np.tile(mean_logit, (7, 1))), torch.from_numpy(dots), reduction="none"
    )
    assert minus_log_p(net, dots, draws=100, rows=3) == pytest.approx(float(exact.sum(1).mean()), rel=1e-5)


def test_minus_log_p_agrees_with_an_integral_over_a_code_of_one_number(machine):
    import torch
    from torch.nn import functional as F

    from tools.papers.digits import TorchVAE, minus_log_p

    torch.manual_seed(3)
    net = TorchVAE(np.zeros(784, "float32"), m=1, h=20)
    dots = (np.random.default_rng(1).random((4, 784)) < 0.5).astype("float32")
    z = torch.linspace(-8, 8, 4001)[:, None]
    with torch.no_grad():
        logits = net.decoder(z)
        log_p = torch.from_numpy(dots) @ logits.T - F.softplus(logits).sum(1)  # (4, 4001)
        prior = -0.5 * z[:, 0] ** 2 - 0.5 * np.log(2 * np.pi)
        exact = -(torch.logsumexp((log_p + prior).double(), 1) + np.log(16 / 4000)).mean()
    assert minus_log_p(net, dots, draws=20_000) == pytest.approx(float(exact), abs=0.1)


def test_minus_log_p_with_one_draw_is_minus_the_elbo(machine):
    """Of a network whose encoder says much of what it reads: what it is trained on and what is measured are one."""
    import torch

    from tools.papers.digits import TorchVAE, minus_log_p

    torch.manual_seed(4)
    random = np.random.default_rng(2)
    net = TorchVAE(random.normal(-2, 2, 784).astype("float32"), m=5, h=30)
    with torch.no_grad():
        net.encoder[-1].weight.mul_(5)
    dots = (random.random((30, 784)) < 0.3).astype("float32")
    torch.manual_seed(0)
    with torch.no_grad():
        exact = -float(net.log_weights(torch.from_numpy(dots), 1).mean())
    torch.manual_seed(0)
    assert minus_log_p(net, dots, draws=1, at_once=1, rows=30) == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("options", [{}, {"k": 5}])
def test_a_small_variational_network_learns_alike_in_both_frameworks(options, machine):
    from tools.papers.digits import variational

    found = [variational(name, machine, epochs=2, rows=600, draws=50, **options) for name in papers.FRAMEWORKS]
    assert found[0]["value"] == pytest.approx(found[1]["value"], rel=0.01)
    assert all(one["value"] < one["−ELBO"] for one in found)


def test_the_deep_pair_computes_the_same():
    from course_lib import parity
    from tools.papers.digits import deep_pair

    mine, theirs, extra = deep_pair((12, 8, 4, 2))
    parity.copy_weights(mine, theirs, extra=extra)
    x = np.random.default_rng(0).random((5, 12), dtype=np.float32)
    parity.compare(outputs=parity.outputs(mine, theirs, x))


SMALL = papers.Figure("Errors", "A paper", "3.00", "06f", "digits:code_of_30", at_most=2.6)


@pytest.fixture
def one_figure(monkeypatch):
    """One figure, whose training writes what it is told to."""
    monkeypatch.setattr(papers, "FIGURES", {"small": SMALL})
    calls, values = [], {"PyTorch": 2.5, "Keras": 2.4}

    class Done:
        returncode = 0

    def run(call, cwd):
        _, _, _, _, name, framework, target = call
        calls.append((name, framework))
        found = {"value": values[framework], "setting": "small", "cpu_s": 60.0}
        open(target, "w").write(json.dumps(found))
        return Done()

    monkeypatch.setattr(papers.subprocess, "run", run)
    return calls, values


def test_what_was_measured_is_kept_shown_and_not_measured_again(one_figure, tmp_path, capsys):
    calls, _ = one_figure
    record = tmp_path / "papers.json"
    assert papers.measure(["small"], tmp_path / "cache", record) is True
    assert calls == [("small", "PyTorch"), ("small", "Keras")]
    assert "✓ small, PyTorch: 2.5 at most 2.6" in capsys.readouterr().out
    assert papers.measure(["small"], tmp_path / "cache", record) is True and len(calls) == 2
    text = "\n".join(papers.table(papers.known(record)))
    assert "| Errors (06f) | 3.00: A paper | at most 2.6 | 2.5 | 2.4 | small | 1.0, 1.0 |" in text
    assert papers.table({}) == []


def test_a_figure_that_is_not_reached_is_said_and_other_code_is_measured_anew(
    one_figure, tmp_path, capsys, monkeypatch
):
    calls, values = one_figure
    values["Keras"] = 2.7
    record = tmp_path / "papers.json"
    assert papers.measure(["small"], tmp_path / "cache", record) is False
    assert "✗ small, Keras: 2.7 at most 2.6" in capsys.readouterr().out
    assert "2.7 (not reached)" in "\n".join(papers.table(papers.known(record)))
    monkeypatch.setattr(papers.Figure, "checksum", lambda self: "another")
    assert papers.known(record) == {}


def test_an_interrupted_training_leaves_what_was_done_before(one_figure, tmp_path, monkeypatch):
    _, values = one_figure
    record = tmp_path / "papers.json"
    run = papers.subprocess.run

    def interrupted(call, cwd):
        if call[5] == "Keras":
            raise KeyboardInterrupt
        return run(call, cwd)

    monkeypatch.setattr(papers.subprocess, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        papers.measure(["small"], tmp_path / "cache", record)
    assert sorted(papers.known(record)["small"]) == ["PyTorch", "checksum", "python"]


def test_a_figure_that_does_not_exist_is_refused_with_those_that_do(capsys):
    assert papers.main(["code31"]) == 2
    said = capsys.readouterr().err
    assert "code31" in said and "code30" in said


def test_the_committed_figures_are_those_of_this_code_and_the_page_shows_them():
    kept = json.loads(papers.RECORD.read_text(encoding="utf-8"))
    assert set(kept) == set(papers.known()), "the code has changed since: run `course papers`"
    text = (papers.ROOT / "docs" / "full.md").read_text(encoding="utf-8")
    for line in papers.table(kept)[-len(kept) :]:
        assert line in text, "the page is older than the figures: run `course papers`"
