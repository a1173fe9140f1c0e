"""What stands in the way of a task, what is done about it, and who has it in his hands."""
