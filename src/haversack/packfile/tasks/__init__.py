"""What each task asks of a pack and adds to a record: one row a task."""
