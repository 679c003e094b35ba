"""Comparisons side by side: `bench/run.py` prints them."""
