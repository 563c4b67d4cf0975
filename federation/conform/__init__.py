"""Conform: wire columns become the contract's Arrow columns; cells that don't fit send their document aside."""
