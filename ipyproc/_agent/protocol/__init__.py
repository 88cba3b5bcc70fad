"""What an agent and its clients say to each other, without any input or output."""
