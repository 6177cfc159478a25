"""A run: its folder, its photos, its options, and what a person sees of it."""
