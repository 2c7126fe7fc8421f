"""Services that know customers, as their vendors describe their APIs, served on loopback."""
