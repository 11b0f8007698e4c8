"""AWS on one machine: moto, with replacements for its missing or slow parts."""
