"""A package, so that one browser can serve all tests of this room and be ended with the last."""
