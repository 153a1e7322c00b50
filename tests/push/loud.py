"""The product's own settings for a worker that says everything it has to say."""

from fastlinkit.settings import *  # noqa: F403
from fastlinkit.settings import LOGGING

LOGGING["root"]["level"] = "DEBUG"
