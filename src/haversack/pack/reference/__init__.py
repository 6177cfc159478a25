"""A second opinion in numpy: preprocessing and decoding written apart from the graphs."""
