"""Requests as rows: accepted jobs are done once, whatever is killed meanwhile."""
