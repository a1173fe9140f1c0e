"""Tasks that fulfil an agreement: one lead, coordinating parties, progress and confirmation."""
