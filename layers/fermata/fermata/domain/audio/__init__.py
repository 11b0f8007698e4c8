"""What Fermata knows about audio files without reading one: containers and how they begin."""
