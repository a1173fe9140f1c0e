"""The feed: every event of agreements, tasks, alerts and reports, for those who may see it."""
