"""Of the YAML nouns."""
