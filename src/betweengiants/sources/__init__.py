"""Open data that the user downloads, read into tidy tables and a local store; nothing here uses the network."""
