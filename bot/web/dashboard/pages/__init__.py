"""The pages of the dashboard, a module each: `routes(…)` gives what it answers."""
