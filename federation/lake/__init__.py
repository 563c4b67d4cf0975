"""The lake: immutable Parquet packages, made visible by one manifest a commit, on any fsspec file system."""
