"""Simulated music providers: real HTTP in each upstream's dialect, faults on request, a bill of what they charged."""

from local.simulators.running import SIMULATED_PROVIDERS, RunningSimulator, UnknownSimulatorError, start_simulator

__all__ = ["SIMULATED_PROVIDERS", "RunningSimulator", "UnknownSimulatorError", "start_simulator"]
