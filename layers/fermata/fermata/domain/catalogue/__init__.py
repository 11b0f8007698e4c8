"""The models on offer: what each takes, costs and lasts, and how often its task is polled."""
