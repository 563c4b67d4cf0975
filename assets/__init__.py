"""Dagster assets, checks and partitions: each is a thin call of one function of the domain."""
