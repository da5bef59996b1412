"""One file a job: read, call named functions, write."""
