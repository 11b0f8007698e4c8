"""What Fermata knows without AWS, HTTP or a clock: values, rules and decisions."""
