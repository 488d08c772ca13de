"""Alignment: how close a state's own behaviour comes to a power's (votes, portfolios, institutions)."""
