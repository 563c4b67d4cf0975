"""Policy: what leaves a satellite as it is, hashed, or not at all."""
