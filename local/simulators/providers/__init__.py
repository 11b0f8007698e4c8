"""The dialects of the simulated providers: their requests and answers."""
