"""State that lasts: what the emulator and the simulators hold, kept in the state directory."""
