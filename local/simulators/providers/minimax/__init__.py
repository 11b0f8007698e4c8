"""MiniMax: music, covers and the answers that its resellers repeat."""
