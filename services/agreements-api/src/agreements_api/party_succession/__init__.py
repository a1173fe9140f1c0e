"""Who answers for a promise after the units that made it have merged, split or ended."""
