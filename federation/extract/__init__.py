"""Extract: one run reads what changed on one satellite and commits it to the lake."""
