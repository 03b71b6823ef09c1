from tests.flower.conftest import _flower_task, _our_loggers_are_on

__all__ = ["_flower_task", "_our_loggers_are_on"]
