"""Jobs and states as words, as HTML and on a real terminal."""
