"""When to alert: counting, rules, evaluation, and the words of an alert."""
