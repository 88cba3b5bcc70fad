"""What jobs printed: captured, in order, in memory or in files."""
