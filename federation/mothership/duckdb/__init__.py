"""DuckDB: the embedded mothership, one file that is written in private and published as a copy."""
