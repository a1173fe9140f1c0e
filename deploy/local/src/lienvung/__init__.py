"""The whole product on one machine: the local stack, its story and its operator commands."""
