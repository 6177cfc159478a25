"""What each task makes of a model's outputs: one module a task."""
