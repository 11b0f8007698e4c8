"""The structured logger of all modules. Lines carry ids, classes and counts; never keys, prompts, payloads or signed
query strings.
"""

from aws_lambda_powertools import Logger

logger = Logger()
