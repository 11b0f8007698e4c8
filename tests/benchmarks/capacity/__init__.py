"""What binds first: quotas, shared items and providers' limits under more jobs than this machine can run."""
