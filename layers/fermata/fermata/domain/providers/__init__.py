"""Music providers in general: calls, answers, failures, queues, circuits and budgets."""
