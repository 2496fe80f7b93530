"""The requests and results of the two products."""
