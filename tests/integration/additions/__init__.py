"""What a developer adds to `pack/`: one module each, and a line in a table."""
