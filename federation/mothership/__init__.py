"""The mothership: one read-optimised database of all satellites, merged from the lake; a folder a dialect."""
