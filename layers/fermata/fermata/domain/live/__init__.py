"""What listeners hear of a song while it is made."""
