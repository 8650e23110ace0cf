"""What screens hold: each part has state and commands of its own, and knows its screen as a stage only."""
