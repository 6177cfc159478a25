"""Jobs that a command of their own does, in a process that may load whatever it needs."""
