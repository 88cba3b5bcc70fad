"""The client's side: jobs that an agent owns, as this session sees them."""
