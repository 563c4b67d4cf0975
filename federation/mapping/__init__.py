"""Mapping: the fleet's names and values for what one satellite calls otherwise, as in Frappe's Event Streaming."""
