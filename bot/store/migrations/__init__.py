"""Alembic's folder: forward-only migrations, shipped inside the package."""
