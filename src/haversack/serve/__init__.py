"""Packs over HTTP: admission, the data plane, and the protocols in front of it."""
