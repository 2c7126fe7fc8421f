"""HTML that other people wrote, as Markdown."""
