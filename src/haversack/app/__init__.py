"""The composition root: from options to a server that runs until it is told to end."""
