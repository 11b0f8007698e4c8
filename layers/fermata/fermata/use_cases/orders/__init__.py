"""What a caller does with jobs: order, read, list, cancel and delete them."""
