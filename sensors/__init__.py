"""Dagster schedules and sensors: a pure decision each, and the few lines around it."""
