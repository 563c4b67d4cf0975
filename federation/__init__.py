"""Federation: many autonomous Frappe sites brought together in one mothership."""
