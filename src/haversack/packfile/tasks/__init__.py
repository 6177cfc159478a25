"""What each task asks of a pack: one row a task."""
