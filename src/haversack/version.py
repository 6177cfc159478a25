"""The version of this Haversack; pyproject.toml names the same."""

__version__ = "0.1.0"
