"""Step 8 of the path, without Slack: takes messages as Slack's webhook does, and shows them."""
