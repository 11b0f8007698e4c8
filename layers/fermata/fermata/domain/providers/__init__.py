"""What Fermata knows about music providers in general."""
