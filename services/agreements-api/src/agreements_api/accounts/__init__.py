"""People and district systems: accounts, sessions, tokens and clients."""
