"""Values, rules and decisions, independent of AWS, HTTP and the clock."""
