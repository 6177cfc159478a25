"""MAKING A PACK: from a model file to a pack that has proved itself. Needs the `pack` extra."""
