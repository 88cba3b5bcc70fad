"""A start that posix_spawn(3) cannot make, by a program of its own."""
