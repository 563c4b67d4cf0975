"""Benchmarks: what the product promises in figures, each measured against a ceiling in the same run."""
