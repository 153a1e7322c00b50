# The two commands of a day's work are `make serve` and `make test`. Each sets up what it needs.
.PHONY: serve test gates lint format lock

# Runs FastLinkIt on http://localhost:8000 (another port: make serve PORT=8001).
serve:
	@exec deploy/serve.sh

# Checks and runs everything, on PostgreSQL and on SQLite.
test:
	@exec deploy/test.sh

# What takes too long for every day: tests marked "gate", and fuzzing of all that reads foreign bytes.
gates:
	@exec deploy/gates.sh

# The checks alone, without the tests.
lint:
	@exec deploy/lint.sh

# Brings Python and templates into the one form that `make lint` accepts.
format:
	@exec deploy/lint.sh --fix

# Resolves pyproject.toml into the lock files again.
lock:
	@exec deploy/lock.sh
