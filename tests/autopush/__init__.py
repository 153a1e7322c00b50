"""The parts of the push service in `tests/push_service.py`, named after Mozilla's own."""
