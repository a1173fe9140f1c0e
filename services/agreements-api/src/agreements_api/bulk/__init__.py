"""Up to a hundred changes of tasks in one call, all or nothing."""
