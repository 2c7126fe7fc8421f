"""What the inner rooms need from the outer ones, as small protocols."""
