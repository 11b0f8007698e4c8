"""The command line `fermata`; it needs the extra `fermata-client[cli]`."""
