"""The simulated providers: what each is asked, and what it answers."""
