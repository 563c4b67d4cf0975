"""A simulated Frappe site: the REST behaviour of 13, 14 and 15 over one SQLite file, held to recordings."""
