"""THE FLOW: a photo's bytes become results, one stage a file."""
