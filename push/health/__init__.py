"""Why something does not arrive, and how to mend it."""
