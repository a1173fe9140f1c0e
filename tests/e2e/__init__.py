"""The whole product, started as a user starts it and spoken to through the gateway."""
