"""SQL over SQLite or PostgreSQL: connections, named statements, numbered migrations."""
