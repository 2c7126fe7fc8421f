"""lookup_customer and the directory behind it."""
