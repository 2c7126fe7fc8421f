"""The dashboard: pages for staff, drawn by the server, live by server-sent events. See `site.py` for what there is."""
