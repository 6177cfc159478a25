"""Importers: one for each kind of model file."""
