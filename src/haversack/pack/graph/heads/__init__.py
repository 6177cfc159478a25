"""Heads: what a network's raw outputs mean, one small graph each."""
