"""Where photos were taken, and where on the ground a pixel lies."""
