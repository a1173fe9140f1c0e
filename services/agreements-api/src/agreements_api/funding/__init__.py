"""The funding gate: which plan period a task's public investment belongs to, and what comes of it when that closes."""
