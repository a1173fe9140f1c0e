"""Rules of who imports whom that import-linter does not have by itself."""
