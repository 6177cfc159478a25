"""Sources: what a model looks like before it is read, and who reads it."""
