"""History of whoever works with the system: people, district systems, organisations and their focal points."""
