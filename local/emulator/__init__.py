"""AWS on one machine: moto, with what it lacks or does too slowly put into its seams."""
