"""Executing a snapshot's notebook again, comparing two snapshots, and naming the causes of a difference.

Comparison is a function of two manifests; a rerun only makes the second one. So ``mlgov diff`` and
``mlgov rerun`` can never disagree.
"""
