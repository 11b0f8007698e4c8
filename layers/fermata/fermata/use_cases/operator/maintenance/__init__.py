"""What stops a tenant, or everything, without losing a song that is paid."""
