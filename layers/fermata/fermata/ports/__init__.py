"""Ports of the use cases: small protocols by family. Each has an adapter for AWS or HTTP, and a fake that passes the
same contract tests.
"""
