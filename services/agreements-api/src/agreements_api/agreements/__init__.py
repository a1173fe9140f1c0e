"""Agreements between localities, their parties, clauses and signatures."""
