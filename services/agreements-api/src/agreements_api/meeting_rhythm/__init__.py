"""How often the parties of an agreement promised to meet, held against the meetings that they had."""
