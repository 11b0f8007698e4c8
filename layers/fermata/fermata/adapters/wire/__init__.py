"""The way of a request to AWS: signed and sent without botocore, whose modules take longer to import than to answer."""
