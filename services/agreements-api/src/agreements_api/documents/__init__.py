"""Documents: files that are attached to agreements, tasks, reports, obstacles and meetings."""
