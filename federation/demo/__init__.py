"""The demo: simulated satellites that answer as Frappe does, and the tour that `make demo` gives."""
