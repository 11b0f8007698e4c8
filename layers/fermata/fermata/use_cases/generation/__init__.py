"""The generation of a song, in three stages: purchase, follow, finish."""
