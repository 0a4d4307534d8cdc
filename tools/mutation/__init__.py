"""The alerting rules under test: where promtool is, and what happens when a rule is changed."""
