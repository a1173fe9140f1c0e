"""The gateway: real Envoy in front of small real services."""
