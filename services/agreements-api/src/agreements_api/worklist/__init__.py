"""What waits for an organisation and for each of its people, the most urgent first."""
