"""Where things are kept: a Protocol and an embedded default each; no Dagster here."""
