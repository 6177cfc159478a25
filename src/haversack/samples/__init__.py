"""What Haversack brings with it: a pack and photos that need no download."""
