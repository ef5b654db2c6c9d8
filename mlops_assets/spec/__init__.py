"""What a user may declare: frozen, extra-forbid models; no Dagster here."""
