"""Reports and profiles of a dataset's versions."""
