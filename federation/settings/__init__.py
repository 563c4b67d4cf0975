"""Settings: one `federation.yaml`, read, checked and typed before anything starts."""
