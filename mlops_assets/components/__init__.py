"""The YAML nouns; each only asks its rooms and merges what they build."""
