"""Pages of a tenant's jobs: what a list has, and where its next page begins."""
