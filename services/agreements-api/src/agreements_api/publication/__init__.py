"""What everybody may see: agreements that their custodian published, and the tasks that it chose."""
