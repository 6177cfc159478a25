"""What Haversack brings with it: a pack and pictures that need no download."""
