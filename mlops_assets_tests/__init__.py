"""The tests: they mirror the package's tree, and beside it hold the house's own laws, contracts, journeys and docs."""
