"""The way of a job from its order to its files: purchase, follow, finish."""
