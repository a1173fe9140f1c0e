"""Extensions: the lead of a task asks for a later deadline, and somebody else decides."""
