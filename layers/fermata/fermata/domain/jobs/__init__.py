"""Jobs and their attempts: states, transitions and public views."""
