"""What the kernel tells of processes: who there is, whose they are, what they use."""
