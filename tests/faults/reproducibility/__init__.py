"""Seeded faults with known causes, in notebooks of several kinds: does a rerun name the cause?"""
