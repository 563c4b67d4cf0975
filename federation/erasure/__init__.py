"""Erasure: documents that are erased for good, wherever we hold them, and kept away from then on."""
