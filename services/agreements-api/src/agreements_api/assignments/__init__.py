"""Which of an organisation's people handles a task or a draft, and how leaving staff hand it over."""
