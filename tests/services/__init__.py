"""Services: the real servers that tests need, fetched and started under `var/` by `make services`."""
