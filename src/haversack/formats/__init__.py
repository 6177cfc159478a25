"""Exports of results: each module writes one form that people or programs open elsewhere."""
