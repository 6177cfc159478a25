"""Haversack: carry a trained model from the notebook to wherever its work is."""

__version__ = "0.1.0"
