"""Services that hold articles, served on loopback after their published descriptions."""
