"""What other systems rely on."""
