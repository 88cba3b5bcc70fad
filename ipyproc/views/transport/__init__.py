"""What goes between views and their pages, and how much of it."""
