"""What people say to each other about a task, and whom they name in it."""
