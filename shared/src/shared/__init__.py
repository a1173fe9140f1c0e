"""What every service needs and no business rule: events, outbox, database, tokens, problems."""
