"""The only place for boto3 and httpx: one module per technology behind each port."""
