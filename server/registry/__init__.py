"""The registry: what was ordered, run and published, in one database. SQLite by default, PostgreSQL the same way."""
