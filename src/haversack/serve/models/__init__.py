"""What is in memory: packs on offer, loaded models, their sizes and their turns."""
