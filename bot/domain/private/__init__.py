"""What people should not have written: one module for each kind, each finding places in a folded text."""
