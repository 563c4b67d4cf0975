"""The demo's world: two invented ERPNext companies, their history from a seed, and their working days."""
