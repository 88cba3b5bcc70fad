"""What a terminal would show of bytes that arrive: parser, lines, screen."""
