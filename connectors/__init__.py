"""Wire protocols of the sources: they know no Dagster, no lake and no mothership."""
