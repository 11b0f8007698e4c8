"""Deploys the shipped template to the emulator: transform, check, create."""
