"""Where articles come from: folders, websites, help centres."""
