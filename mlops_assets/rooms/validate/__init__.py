"""Raw to clean and quarantine: the contract."""
