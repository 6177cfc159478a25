"""THE FLOW: image bytes become results, one stage a file."""
