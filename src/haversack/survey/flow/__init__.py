"""A photo on its way: read, cut into tiles, inferred and merged."""
