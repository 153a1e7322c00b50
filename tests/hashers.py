"""Password hashing quick enough for tests."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class OneRoundPBKDF2(PBKDF2PasswordHasher):
    """Django's own hasher with one iteration."""

    iterations = 1
