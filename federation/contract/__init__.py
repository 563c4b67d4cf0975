"""Contracts: the conformed schema of each DocType over all satellites, folded from their metadata."""
