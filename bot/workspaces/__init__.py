"""One desk per workspace, built from what all of them share."""
