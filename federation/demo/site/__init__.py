"""A simulated Frappe site: Frappe 15's REST behaviour over one SQLite file, held to recordings of real sites."""
