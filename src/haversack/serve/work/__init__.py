"""Jobs that the server's own data plane does."""
