"""Drift: what satellites changed about their DocTypes, told as such and kept."""
