"""Watches a model at work: data quality, drift of features, predictions and attributions, concept drift, and the decision
that follows.

Everything below ``examine`` is a pure function over tables; ``examine`` puts them together; only ``watch`` knows the store.
"""
