"""What a report costs: scripts/bench."""
