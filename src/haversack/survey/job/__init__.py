"""A survey as a job of a server."""
