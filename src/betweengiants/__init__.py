"""Between Giants: measure, map and stress-test how a state balances between great powers."""
