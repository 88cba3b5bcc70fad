"""The agent itself: it owns jobs, and serves clients over sockets."""
