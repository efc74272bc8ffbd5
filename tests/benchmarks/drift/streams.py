"""Streams with a known truth, from the literature.

- SEA (Street & Kim 2001): three numbers from 0 to 10; the label is whether the first two add up to at most theta, with 10 %
  of labels turned. Drift: theta changes.
- STAGGER (Schlimmer & Granger 1986): size, colour and shape; three rules. Drift: another rule.
- SINE1 (Gama et al. 2004): two numbers from 0 to 1; the label is whether a point lies below a sine. Drift: labels reversed.
- Rotating hyperplane (Hulten, Spencer & Domingos 2001): ten numbers, a plane through them, 5 % noise. Drift: weights turn.

Gradual drift: the chance that a row follows the new rule rises along a sigmoid (Bifet et al. 2010, MOA).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BEFORE, AFTER, WIDTH = 3000, 2000, 1000


@dataclass(frozen=True)
class Stream:
    """Rows in order of time. ``drift`` is the first row of the change, None where there is none."""

    name: str
    kind: str
    x: Floats
    y: NDArray[np.int64]
    drift: int | None


Rule = Callable[[Floats, np.random.Generator], NDArray[np.int64]]


def _noisy(labels: NDArray[np.bool_], share: float, random: np.random.Generator) -> NDArray[np.int64]:
    return (labels ^ (random.random(len(labels)) < share)).astype(np.int64)


def _sea(theta: float) -> Rule:
    return lambda x, random: _noisy(x[:, 0] + x[:, 1] <= theta, 0.1, random)


def _stagger(number: int) -> Rule:
    def rule(x: Floats, _: np.random.Generator) -> NDArray[np.int64]:
        size, colour, shape = x.T
        rules = [(size == 0) & (colour == 0), (colour == 1) | (shape == 0), (size == 1) | (size == 2)]
        return rules[number].astype(np.int64)

    return rule


def _sine(turned: bool) -> Rule:
    return lambda x, _: ((x[:, 0] >= np.sin(x[:, 1])) ^ turned).astype(np.int64)


def _plane(weights: Floats) -> Rule:
    return lambda x, random: _noisy(x @ weights >= weights.sum() / 2, 0.05, random)


def _uniform(columns: int, high: float) -> Callable[[int, np.random.Generator], Floats]:
    return lambda rows, random: random.uniform(0, high, (rows, columns))


def _three(rows: int, random: np.random.Generator) -> Floats:
    return random.integers(0, 3, (rows, 3)).astype(float)


def make(name: str, kind: str, seed: int) -> Stream:
    """``name``: sea, stagger, sine, hyperplane. ``kind``: abrupt, gradual, none."""
    random = np.random.default_rng([seed, sum(map(ord, name + kind))])
    flat = np.linspace(0.2, 1.0, 10)
    turned = flat.copy()
    turned[:5] = turned[:5][::-1] + 0.8
    kinds: dict[str, tuple[Callable[[int, np.random.Generator], Floats], Rule, Rule]] = {
        "sea": (_uniform(3, 10.0), _sea(8.0), _sea(9.5)),
        "stagger": (_three, _stagger(0), _stagger(1)),
        "sine": (_uniform(2, 1.0), _sine(False), _sine(True)),
        "hyperplane": (_uniform(10, 1.0), _plane(flat), _plane(turned)),
    }
    draw, old, new = kinds[name]
    rows = BEFORE + AFTER
    x = draw(rows, random)
    before, after = old(x, random), new(x, random)
    place = np.arange(rows)
    if kind == "none":
        return Stream(name, kind, x, before, None)
    if kind == "abrupt":
        return Stream(name, kind, x, np.where(place < BEFORE, before, after), BEFORE)
    middle = BEFORE + WIDTH / 2
    chance = 1 / (1 + np.exp(-8 * (place - middle) / WIDTH))
    follows = (random.random(rows) < chance) & (place >= BEFORE)
    return Stream(name, kind, x, np.where(follows, after, before), BEFORE)


NAMES = ("sea", "stagger", "sine", "hyperplane")
KINDS = ("abrupt", "gradual", "none")
TRAINED = 1000
"""The first rows, which the model is fitted on; the next thousand are what it is tested on."""
TESTED = 1000


def scored(stream: Stream) -> tuple[Floats, Floats]:
    """A tree fitted on the first rows: squared errors of its probabilities on the rows that it is tested on, and on the
    rows that follow, which are the stream that detectors see (drift begins at ``BEFORE - TRAINED - TESTED`` of it)."""
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier(max_depth=6, min_samples_leaf=10, random_state=0)
    model.fit(stream.x[:TRAINED], stream.y[:TRAINED])
    positive = list(model.classes_).index(1)
    errors = (stream.y - model.predict_proba(stream.x)[:, positive]) ** 2
    return errors[TRAINED : TRAINED + TESTED], errors[TRAINED + TESTED :]
